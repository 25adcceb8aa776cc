import { Invalid, option } from '../option.ts';

const onOff = (text: string): boolean | Invalid =>
  text === 'on' || text === 'off' ? text === 'on' : new Invalid('must be on or off');

/** Options of who is told of refusals, a part of `OPTIONS`. */
export const NOTIFY_OPTIONS = {
  events: option(
    'EVENTS',
    'on',
    'whether refusals are told as Events of Kubernetes where SNAPSHOT is "cluster": on or off (docs/alerts.md)',
    onOff,
  ),
} as const;
