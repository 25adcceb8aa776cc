import { hostname } from 'node:os';
import type { Config } from './config.ts';
import type { OpenGate } from './gate.ts';
import { openSink } from './io/sink.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Channel, Tally } from './notify/channel.ts';
import { CloudEvents } from './notify/cloudevents.ts';
import { Events } from './notify/events.ts';
import { Foresight } from './notify/foresight.ts';
import { type Notifier, openNotifier } from './notify/notifier.ts';

/** Who is told of refusals, by the configuration: Events where the source takes them, CloudEvents where there is a receiver. */
export async function openTelling(
  config: Config,
  { gate, source, holdings }: Pick<OpenGate, 'gate' | 'source' | 'holdings'>,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Promise<Notifier> {
  const { clock, cluster } = gate;
  const { sink: url, sinkAuthorities: ca, eventSource, eventExtensions: extensions } = config;
  const channels: ((tally: Tally) => Channel)[] = [];
  const store = config.events ? source.events : undefined;
  if (store !== undefined) channels.push((tally) => new Events({ store, cluster, tally, instance: hostname() }));
  if (url !== undefined) {
    const sink = await openSink({ url, ca, source: eventSource, extensions });
    const foresight = new Foresight(config.expiryNotice, () => holdings().expiries);
    channels.push((tally) => new CloudEvents({ sink, tally, foresight }));
  }
  return openNotifier({ log, clock, channels, observe: (channel, outcome) => metrics.told(channel, outcome) });
}
