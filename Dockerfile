# Builds the executable and ships it in a Debian that has little else.
#   docker build -t barnabas .
#   docker run --rm -p 9092:9092 -p 127.0.0.1:9644:9644 -v barnabas:/var/lib/barnabas barnabas
# Words after the image are flags of `barnabas serve`; it takes the KAFKA_* environment of Apache Kafka's image. See docs/deploy.md.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY scripts/run.mjs scripts/
RUN npm ci --no-audit --no-fund && node scripts/run.mjs bun --version
COPY . .
RUN npm run build

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/barnabas --no-create-home --shell /usr/sbin/nologin barnabas \
 && install -d -o barnabas -g barnabas -m 0700 /var/lib/barnabas
COPY --from=build /src/dist/barnabas /usr/local/bin/barnabas
COPY --chmod=755 deploy/docker/run /etc/kafka/docker/run
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/barnabas
VOLUME /var/lib/barnabas
EXPOSE 9092 9644
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["barnabas", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/etc/kafka/docker/run"]
