// Throws the dice that a request names: /3d6 are three of six sides each. It ends in order when it is told to.
"use strict";

const http = require("node:http");
const { roll } = require("dice");

const server = http.createServer((request, response) => {
  const notation = request.url.slice(1).split("?")[0] || "1d6";
  const thrown = roll(notation);
  if (!thrown) {
    response.writeHead(400, { "Content-Type": "text/plain; charset=utf-8" });
    response.end("These are no dice. Write 3d6 for three dice of six sides.\n");
    return;
  }
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${thrown.join(" + ")} = ${thrown.reduce((sum, n) => sum + n, 0)}\n`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    server.close(() => console.log("ended"));
    server.closeIdleConnections();
  });
}

server.listen(process.env.PORT || 8080, () => console.log(`listening on port ${server.address().port}`));
