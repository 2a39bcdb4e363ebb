// Words and formats in the chosen language. t() and the formats read the language signal, so a page that uses them is
// drawn again when the language changes.
import { signal } from '@preact/signals';
import { en, type Key } from './en';
import { th } from './th';

export type { Key };
export type Language = 'en' | 'th';
export const languages: readonly Language[] = ['en', 'th'];
export const languageNames: Record<Language, string> = { en: 'English', th: 'ไทย' };

const dictionaries: Record<Language, Readonly<Record<Key, string>>> = { en, th };
const STORED = 'mozflow.language';

function atFirst(): Language {
  try {
    const kept = globalThis.localStorage?.getItem(STORED);
    if (kept === 'en' || kept === 'th') return kept;
  } catch {
    // Storage may be forbidden; the browser's own language is good enough.
  }
  const wanted = globalThis.navigator?.languages ?? [];
  return wanted.some((l) => l.toLowerCase().startsWith('th')) ? 'th' : 'en';
}

export const language = signal<Language>(atFirst());

export function setLanguage(next: Language): void {
  language.value = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Then it lasts for this page only.
  }
}

// The names between braces of an English text: a missing or misspelt value does not compile.
type Names<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<K extends Key> = [Names<(typeof en)[K]>] extends [never]
  ? []
  : [values: Record<Names<(typeof en)[K]>, string | number>];

// Keys whose text has no value to fill in: what tables of words hold.
export type PlainKey = { [K in Key]: [Names<(typeof en)[K]>] extends [never] ? K : never }[Key];

export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function t<K extends Key>(key: K, ...values: Values<K>): string {
  return fill(dictionaries[language.value][key], values[0]);
}

// 'a.b.one' and 'a.b.other' are asked for as tn('a.b', n).
type Stem = { [K in Key]: K extends `${infer S}.one` ? (`${S}.other` extends Key ? S : never) : never }[Key];

export function tn(stem: Stem, n: number): string {
  const rule = new Intl.PluralRules(language.value).select(n) === 'one' ? 'one' : 'other';
  return fill(dictionaries[language.value][`${stem}.${rule}` as Key], { n: number(n) });
}

// A word for a code that the service sent (a state, a role); codes that this version does not know stay as they are.
export function word(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return key in en ? dictionaries[language.value][key as Key] : code;
}

// --- formats -----------------------------------------------------------------------------------------------------

// The Thai calendar counts Buddhist years; that is what formal Thai uses.
const locales: Record<Language, string> = { en: 'en-GB', th: 'th-TH-u-ca-buddhist-nu-latn' };

export function number(n: number): string {
  return new Intl.NumberFormat(locales[language.value]).format(n);
}

export function dateTime(iso: string): string {
  return new Intl.DateTimeFormat(locales[language.value], { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

export function date(iso: string): string {
  return new Intl.DateTimeFormat(locales[language.value], { dateStyle: 'medium' }).format(new Date(iso));
}

export function dayLong(iso: string): string {
  return new Intl.DateTimeFormat(locales[language.value], { dateStyle: 'full' }).format(new Date(iso));
}

export function time(iso: string): string {
  return new Intl.DateTimeFormat(locales[language.value], { timeStyle: 'short' }).format(new Date(iso));
}

export function timeExact(iso: string): string {
  return new Intl.DateTimeFormat(locales[language.value], { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(iso));
}

export function sameDay(a: string, b: string): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

// In a list: the time for today, the weekday within a week, else the date.
export function short(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  if (sameDay(iso, new Date(now).toISOString())) return time(iso);
  if (now - at.getTime() < 6 * 86400000 && at.getTime() <= now)
    return new Intl.DateTimeFormat(locales[language.value], { weekday: 'short' }).format(at);
  return new Intl.DateTimeFormat(locales[language.value], { day: 'numeric', month: 'short' }).format(at);
}

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86400000],
  ['hour', 3600000],
  ['minute', 60000],
];

// "3 minutes ago". Over a week: the date.
export function ago(iso: string, now = Date.now()): string {
  const passed = now - new Date(iso).getTime();
  if (passed > 7 * 86400000) return date(iso);
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' });
  for (const [unit, ms] of steps) if (passed >= ms) return format.format(-Math.floor(passed / ms), unit);
  return format.format(0, 'second');
}

// "in 29 days". A moment that has passed: "now". Over three months: the date.
export function ahead(iso: string, now = Date.now()): string {
  const left = new Date(iso).getTime() - now;
  if (left > 92 * 86400000) return date(iso);
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'always' });
  for (const [unit, ms] of steps) if (left >= ms) return format.format(Math.floor(left / ms), unit);
  return left > 0 ? format.format(Math.ceil(left / 60000), 'minute') : new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }).format(0, 'second');
}

export function daysLeft(iso: string, now = Date.now()): number {
  return Math.floor((new Date(iso).getTime() - now) / 86400000);
}

export function initials(name: string): string {
  const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  // Thai vowels that are written before their consonant are no initial.
  const first = (s: string) => [...letters.segment(s.replace(/^[^\p{L}\p{N}]+/u, '').replace(/^[เแโใไ]/, ''))][0]?.segment ?? '';
  const parts = name.trim().split(/[\s._-]+/).filter(Boolean);
  const text = first(parts[0] ?? '') + (parts.length > 1 ? first(parts[parts.length - 1] ?? '') : '');
  return text.toLocaleUpperCase() || '?';
}
