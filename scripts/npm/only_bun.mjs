// What Node.js gets instead of the broker: it stands on Bun's sockets and files, so this says what to do.
throw new Error(
  "Cannot load barnabas in Node.js: an embedded broker runs in Bun. Run your program with bun, or start a broker beside it: npx barnabas serve --help",
);
