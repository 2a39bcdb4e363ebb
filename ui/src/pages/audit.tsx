import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type AuditRow } from '../api';
import { Icon } from '../parts/icons';
import { Empty, Field, ListView, PageHead, ProblemBox, Table, useAct, useList, type Column } from '../parts/parts';
import { go, hrefOf, place } from '../state';
import { number, t, timeExact } from '../text/text';

function detailOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  return Object.entries(detail as Record<string, unknown>)
    .map(([k, v]) => `${k}: ${typeof v === 'string' || typeof v === 'number' ? v : JSON.stringify(v)}`)
    .join(', ');
}

function Verdict(): JSX.Element {
  const [verdict, setVerdict] = useState<{ whole: boolean; checked: number; bad_n: number } | null>(null);
  const { busy, problem, act } = useAct();
  if (problem) return <ProblemBox problem={problem} />;
  if (!verdict)
    return (
      <button type="button" class="button" disabled={busy} onClick={() => void act(async () => setVerdict(await api.auditVerdict()))}>
        {t('audit.check')}
      </button>
    );
  return (
    <p class={`verdict ${verdict.whole ? 'good' : 'bad'}`} role="status">
      <Icon name={verdict.whole ? 'check' : 'warn'} />
      <span>
        <strong>{t(verdict.whole ? 'audit.whole' : 'audit.broken')}</strong>{' '}
        {verdict.whole ? t('audit.whole.text', { n: number(verdict.checked) }) : t('audit.broken.text', { n: number(verdict.bad_n) })}
      </span>
    </p>
  );
}

export function Audit(): JSX.Element {
  const about = place.value.query.get('object') ?? '';
  const [object, setObject] = useState(about);
  const list = useList((cursor) => api.audit(cursor, about), `audit ${about}`);
  useEffect(() => setObject(about), [about]);
  const columns: Column<AuditRow>[] = [
    { head: t('audit.col.n'), cell: (r) => number(r.n) },
    { head: t('audit.col.when'), cell: (r) => <time dateTime={r.at}>{timeExact(r.at)}</time> },
    {
      head: t('audit.col.what'),
      cell: (r) => <span class="strong-text mono-text">{r.action}</span>,
    },
    { head: t('audit.col.who'), cell: (r) => <code>{r.actor}</code> },
    { head: t('audit.col.about'), cell: (r) => (r.object ? <code>{r.object}</code> : '') },
    { head: t('audit.col.detail'), cell: (r) => (detailOf(r.detail) === '' ? '' : <span class="sub">{detailOf(r.detail)}</span>) },
  ];
  return (
    <>
      <PageHead title={t('audit.title')} lead={t('audit.lead')}>
        <Verdict />
      </PageHead>
      <form
        class="ask"
        onSubmit={(e) => {
          e.preventDefault();
          go(hrefOf('audit', object.trim() ? { object: object.trim() } : {}));
        }}
      >
        <Field label={t('audit.filter')} name="object" maxLength={128} autocomplete="off" spellcheck={false} class="mono" value={object} onInput={(e) => setObject(e.currentTarget.value)} />
        <button type="submit" class="button">
          {t('audit.filter.button')}
        </button>
        {about && (
          <button type="button" class="button" onClick={() => go(hrefOf('audit'))}>
            {t('audit.filter.clear')}
          </button>
        )}
      </form>
      <ListView list={list} empty={<Empty icon="audit" title={t('audit.empty')} text={t('audit.empty.text')} />}>
        {(items) => <Table caption={t('audit.title')} columns={columns} rows={items} />}
      </ListView>
    </>
  );
}
