import { Counter, type Registry } from 'prom-client';
import { CHANNELS, type ChannelName, OUTCOMES, type Outcome } from '../notify/channel.ts';

/** Told by the channels on which refusals go out. */
export interface ToldMetrics {
  /** Counts what became of something that was to be told. */
  told(channel: ChannelName, outcome: Outcome): void;
}

/** Registers what is told of the channels. */
export function openToldMetrics(registry: Registry): ToldMetrics {
  const told = new Counter({
    name: 'portieris_notifications_total',
    help: 'Events and CloudEvents, by channel and what became of them (docs/alerts.md)',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  });
  for (const channel of CHANNELS) for (const outcome of OUTCOMES) told.inc({ channel, outcome }, 0);
  return { told: (channel, outcome) => told.inc({ channel, outcome }) };
}
