import { createServer } from 'node:http';

/** An example of a receiver of the gate's CloudEvents (HTTP, binary mode): posts each as one text to ALERT_URL, an incoming webhook of Slack or of what takes the same. */

const MOST_BYTES = 65_536;

/** Slack takes these three as markup (its guide to formatting): escaped, a name can neither call @channel nor make a link. */
const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function textOf(type, data) {
  const say = (name) => escaped(data[name] ?? '');
  if (type === 'dev.portieris.trust.expiring.v1')
    return `:hourglass: *${say('repository')}*: ${say('role')} expires in ${say('daysLeft')} days (${say('expires')}) on ${say('server')}`;
  const object = `${escaped(data.object?.kind ?? '')} ${escaped(data.object?.name ?? '')}`.trim();
  const what = type === 'dev.portieris.image.tolerated.v1' ? ':warning: would be refused' : ':no_entry: refused';
  return `${what} in *${say('namespace')}*: ${object}, image ${say('image')} [${say('code')}]\n${say('message')}\n_${say('remedy')}_`;
}

async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new RangeError('too long');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function post(text) {
  const answer = await fetch(process.env.ALERT_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`ALERT_URL answered ${answer.status}`);
}

const server = createServer(async (request, response) => {
  let text;
  try {
    text = textOf(request.headers['ce-type'], await bodyOf(request));
  } catch {
    // What can't be read will not get better by being sent again.
    return response.writeHead(400).end();
  }
  try {
    await post(text);
    process.stdout.write(`${text}\n`);
    response.writeHead(202).end();
  } catch (error) {
    // The Broker sends it again.
    process.stderr.write(`${error.message}\n`);
    response.writeHead(502).end();
  }
});
server.listen(Number(process.env.PORT ?? 8080), () => process.stdout.write(`listening on ${server.address().port}\n`));
process.once('SIGTERM', () => server.close());
