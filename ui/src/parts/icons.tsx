// Line icons on a 20 x 20 grid, drawn for this console. Decorative: the words stand beside them or in aria-label.
import type { JSX } from 'preact';

const shapes = {
  home: ['M3 9.2 10 3.5l7 5.7', 'M5 8.2V16a.8.8 0 0 0 .8.8h8.4a.8.8 0 0 0 .8-.8V8.2', 'M8 16.6v-4.4h4v4.4'],
  accounts: ['M7.6 12.4 12.4 7.6', 'M9 6.4l1.6-1.6a3.2 3.2 0 0 1 4.6 4.6L13.6 11', 'M11 13.6l-1.6 1.6a3.2 3.2 0 0 1-4.6-4.6L6.4 9'],
  events: ['M3 10h4l2-5.5 3 11 2-5.5h3'],
  dead: ['M3.5 6.5h13v9a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1z', 'M2.8 3.8h14.4v2.7H2.8z', 'M8.2 9.8l3.6 3.6', 'M11.8 9.8l-3.6 3.6'],
  explain: ['M5 3.5v13', 'M5 5.5h9.5l-2 3 2 3H5'],
  audit: ['M5.5 3h6l3 3v11h-9z', 'M11.5 3v3h3', 'M8 10h4', 'M8 13h4'],
  members: ['M7.5 9.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z', 'M2.5 16.5c0-2.8 2.2-4.6 5-4.6s5 1.8 5 4.6', 'M12.8 4.3a2.6 2.6 0 0 1 0 5', 'M14.5 12.3c1.9.6 3 2.1 3 4.2'],
  keys: ['M7 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z', 'M10.5 10H17v3', 'M14 10v2.4'],
  flags: ['M6 6.2h8a3.8 3.8 0 0 1 0 7.6H6a3.8 3.8 0 0 1 0-7.6z', 'M14 11.6a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2z'],
  me: ['M10 9.8a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z', 'M4 16.8c0-3 2.6-4.8 6-4.8s6 1.8 6 4.8'],
  out: ['M8.5 3.5H4.8a.8.8 0 0 0-.8.8v11.4a.8.8 0 0 0 .8.8h3.7', 'M12 6.5 15.5 10 12 13.5', 'M15.5 10H8'],
  menu: ['M3.5 6h13', 'M3.5 10h13', 'M3.5 14h13'],
  close: ['M5 5l10 10', 'M15 5 5 15'],
  back: ['M12 4.5 6.5 10l5.5 5.5'],
  chat: ['M3.5 5.3a1 1 0 0 1 1-1h11a1 1 0 0 1 1 1v7.4a1 1 0 0 1-1 1H9l-3.6 3v-3h-.9a1 1 0 0 1-1-1z'],
  check: ['M4.5 10.5 8.2 14l7.3-8'],
  warn: ['M10 3.6 17.2 16H2.8z', 'M10 8.2v3.6', 'M10 13.9v.2'],
  hook: ['M10 3v6.5', 'M6.8 6.6 10 9.8l3.2-3.2', 'M4 11.5v4a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-4'],
  copy: ['M7.5 7.5h8.2v8.2H7.5z', 'M12.5 7.3V4.3H4.3v8.2h3'],
  clock: ['M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14z', 'M10 6.2V10l2.6 1.8'],
  shop: ['M3.8 8.2v8h12.4v-8', 'M3 4h14l.6 3.2a2 2 0 0 1-3.8.6 2 2 0 0 1-3.8 0 2 2 0 0 1-3.8 0 2 2 0 0 1-3.8-.6z', 'M8.2 16v-4.2h3.6V16'],
  megaphone: ['M3.5 8.4v3.2h2.7l7.3 3.4V5L6.2 8.4z', 'M6.6 11.8l.8 4h2l-.7-3', 'M16 8.4a2.4 2.4 0 0 1 0 3.2'],
  go: ['M7.5 4.5 13 10l-5.5 5.5'],
  gauge: ['M3.4 14a7 7 0 1 1 13.2 0', 'M10 12.5l3.2-4', 'M3.4 14h13.2'],
  plug: ['M7.4 3.5v3.6', 'M12.6 3.5v3.6', 'M5.2 7.1h9.6v2.6a4.8 4.8 0 0 1-9.6 0z', 'M10 14.5v3'],
  away: ['M8 4.5H4.5v11h11V12', 'M11.5 4.5h4v4', 'M15.2 4.8 9.5 10.5'],
  bell: ['M5.2 13.8V9.3a4.8 4.8 0 0 1 9.6 0v4.5', 'M3.8 13.8h12.4', 'M8.6 16.4h2.8'],
  hidden: ['M3 10s2.6-4.6 7-4.6S17 10 17 10s-2.6 4.6-7 4.6S3 10 3 10z', 'M4 16 16 4'],
} as const;
export type IconName = keyof typeof shapes;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      {shapes[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M8 22V11l8 7 8-7v11" />
    </svg>
  );
}
