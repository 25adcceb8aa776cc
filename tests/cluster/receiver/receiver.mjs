import { createServer } from 'node:http';

/** Keeps what is POSTed to it, and answers GET with all of it: `[{headers, body}]`. */
const arrivals = [];
createServer(async (request, response) => {
  if (request.method === 'GET') return response.end(JSON.stringify(arrivals));
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  arrivals.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
  return response.writeHead(202).end();
}).listen(8080);
process.once('SIGTERM', () => process.exit());
