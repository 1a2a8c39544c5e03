# Builds the executable and ships it alone. In a container the broker must listen to others, and says so:
#   docker build -t barnabas .
#   docker run --rm -p 9092:9092 -p 127.0.0.1:9644:9644 -v barnabas:/var/lib/barnabas barnabas
# Clients outside of this machine need its name: append `--advertise HOST:9092` (arguments replace the last line of this file).
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY scripts/run.mjs scripts/
RUN npm ci --no-audit --no-fund && node scripts/run.mjs bun --version
COPY . .
RUN npm run build

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home barnabas && install -d -o barnabas -g barnabas -m 0700 /var/lib/barnabas
COPY --from=build /src/dist/barnabas /usr/local/bin/barnabas
USER barnabas
WORKDIR /var/lib/barnabas
VOLUME /var/lib/barnabas
EXPOSE 9092 9644
# The image has no curl; bash speaks enough HTTP.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/9644 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
STOPSIGNAL SIGTERM
# Nothing asks who a client is yet, hence --insecure: publish the ports to networks that you trust.
ENTRYPOINT ["barnabas", "serve", "--listen", "0.0.0.0:9092", "--admin", "0.0.0.0:9644", "--data", "/var/lib/barnabas", "--insecure"]
CMD ["--advertise", "localhost:9092"]
