// Pure: which connections belong together, and in which order they are shown.
import type { Account } from '../api';

export const kinds = ['business', 'advertiser', 'login'] as const;
const ends = new Set(['revoking', 'revoked']);
export const ended = (a: Account): boolean => ends.has(a.state);
// Waits for the owner: nothing happens by itself any more.
export const stuck = (a: Account): boolean => a.state === 'needs_reauth';
export const ill = (a: Account): boolean => !ended(a) && a.health.verdict !== 'good';

export interface Group {
  person: string;
  items: Account[];
}
const kindOrder = (a: Account): number => kinds.indexOf(a.kind as (typeof kinds)[number]);
const weight = (a: Account): number => (ended(a) ? 2 : ill(a) ? 0 : 1);

export function groupsOf(items: readonly Account[]): Group[] {
  const groups = new Map<string, Group>();
  for (const a of items) {
    const person = a.person;
    const group = groups.get(person) ?? { person, items: [] };
    group.items.push(a);
    groups.set(person, group);
  }
  const least = (g: Group): number => Math.min(...g.items.map(weight));
  for (const g of groups.values()) g.items.sort((a, b) => Number(ended(a)) - Number(ended(b)) || kindOrder(a) - kindOrder(b));
  return [...groups.values()].sort((a, b) => least(a) - least(b));
}
