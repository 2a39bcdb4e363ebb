import { beforeEach, describe, expect, it } from 'vitest';
import { en, type Key } from './en';
import { glossary } from './glossary';
import { th } from './th';
import { ago, ahead, dateTime, daysLeft, fill, initials, language, short, t, tn, word } from './text';

const keys = Object.keys(en) as Key[];
const names = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe('dictionaries', () => {
  it('have the same keys and no empty text', () => {
    expect(Object.keys(th).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(en[key].trim(), key).not.toBe('');
      expect(th[key].trim(), key).not.toBe('');
    }
  });
  it('name the same values', () => {
    for (const key of keys) expect(names(th[key]), key).toEqual(names(en[key]));
  });
  it('are Thai where they should be', () => {
    for (const key of keys) if (key !== 'app.name') expect(th[key], key).toMatch(/[\u0E00-\u0E7F]/);
  });
  it('write TikTok as TikTok', () => {
    for (const key of keys) for (const text of [en[key], th[key]]) expect(text.replaceAll('TikTok', ''), key).not.toMatch(/tik ?tok|ติ๊กต/i);
  });
});

describe('glossary', () => {
  it('has no word in Thai that it forbids', () => {
    for (const key of keys) for (const term of glossary) for (const not of term.not ?? []) expect(th[key], `${key}: ${term.en}`).not.toContain(not);
  });
  it('has its words used, and no spoken particle', () => {
    const all = keys.map((k) => th[k]).join('\n');
    for (const term of glossary) expect(all, term.en).toContain(term.th);
    expect(all).not.toMatch(/(นะคะ|นะครับ|ค่ะ|ครับ)/);
  });
});

describe('texts', () => {
  beforeEach(() => {
    language.value = 'en';
  });
  it('fills in values, and leaves unknown names visible', () => {
    expect(t('inbox.messages', { name: 'Mali' })).toBe('Messages with Mali');
    expect(fill('{a} {b}', { a: 1 })).toBe('1 {b}');
  });
  it('counts', () => {
    expect(tn('inbox.unread', 1)).toBe('1 unread message');
    expect(tn('inbox.unread', 1200)).toBe('1,200 unread messages');
    language.value = 'th';
    expect(tn('inbox.unread', 2)).toContain('2 ข้อความ');
  });
  it('keeps codes that it does not know', () => {
    expect(word('role', 'agent')).toBe('Agent');
    expect(word('role', 'pilot')).toBe('pilot');
  });
});

describe('formats', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  it('uses the Buddhist year in Thai', () => {
    language.value = 'th';
    expect(dateTime('2026-11-22T12:00:00Z')).toContain('2569');
    language.value = 'en';
    expect(dateTime('2026-11-22T12:00:00Z')).toContain('2026');
  });
  it('says how long ago', () => {
    language.value = 'en';
    expect(ago('2026-11-22T11:57:00Z', now)).toBe('3 minutes ago');
    expect(ago('2026-11-22T11:59:58Z', now)).toBe('now');
    expect(ago('2026-10-01T00:00:00Z', now)).toContain('2026');
  });
  it('says how long until', () => {
    language.value = 'en';
    expect(ahead('2026-12-21T12:00:01Z', now)).toBe('in 29 days');
    expect(ahead('2026-11-22T12:00:20Z', now)).toBe('in 1 minute');
    expect(ahead('2026-11-22T11:59:00Z', now)).toBe('now');
    expect(ahead('2027-10-01T00:00:00Z', now)).toContain('2027');
    expect(daysLeft('2026-11-29T11:59:59Z', now)).toBe(6);
    language.value = 'th';
    expect(ahead('2026-12-21T12:00:01Z', now)).toMatch(/29/);
    language.value = 'en';
  });
  it('shortens by distance', () => {
    expect(short('2026-11-22T11:57:00Z', now)).toMatch(/\d\d:\d\d/);
    expect(short('2026-11-20T12:00:00Z', now)).toBe('Fri');
    expect(short('2026-09-20T12:00:00Z', now)).toBe('20 Sept');
  });
  it('finds initials in both scripts', () => {
    expect(initials('somchai.test')).toBe('ST');
    expect(initials('สมหญิง ใจดี')).toBe('สจ');
    expect(initials('@')).toBe('?');
  });
});
