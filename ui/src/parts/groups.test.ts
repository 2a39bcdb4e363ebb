// Grouping of connections: one group per person, what needs somebody first, what has ended last.
import { expect, it } from 'vitest';
import type { Account } from '../api';
import { groupsOf } from './groups';

const account = (id: string, person: string, more: Partial<Account> = {}): Account => ({
  id, person, person_name: null, kind: 'business', app: 'accounts', open_id: 'o', display_name: null, username: null, avatar_url: null, state: 'connected',
  scopes: [], missing_scopes: [], connected_at: null, last_good_at: null, last_webhook_at: null, access_expires_at: null, refresh_expires_at: null,
  next_refresh_at: null, advertisers: [],
  health: { verdict: 'good', code: 'well', en: '', th: '', next_step_en: '', next_step_th: '' }, ...more,
});
const bad = { verdict: 'bad', code: 'expired', en: '', th: '', next_step_en: '', next_step_th: '' } as const;

it('keeps the grants of one person together, business account first', () => {
  const groups = groupsOf([account('1', 'p', { kind: 'login' }), account('2', 'q'), account('3', 'p', { kind: 'advertiser' }), account('4', 'p')]);
  expect(groups.map((g) => [g.person, g.items.map((a) => a.id)])).toEqual([
    ['p', ['4', '3', '1']],
    ['q', ['2']],
  ]);
});
it('puts what needs somebody first and what has ended last', () => {
  const groups = groupsOf([account('1', 'ended', { state: 'revoked', health: bad }), account('2', 'well'), account('3', 'ill', { health: bad })]);
  expect(groups.map((g) => g.person)).toEqual(['ill', 'well', 'ended']);
});
it('does not let an ended grant make a well person look ill', () => {
  const groups = groupsOf([account('1', 'a', { health: bad }), account('2', 'b', { state: 'revoked', health: bad }), account('3', 'b')]);
  expect(groups.map((g) => g.person)).toEqual(['a', 'b']);
  expect(groups[1]?.items.map((a) => a.id)).toEqual(['3', '2']);
});
