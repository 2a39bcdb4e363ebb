// Rate budgets, for operators: how much of what TikTok allows is used, by whom, and what is shut until when.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, type Bucket } from '../api';
import { Badge, Empty, Link, Loading, PageHead, ProblemBox, Table, useLoad, type Column } from '../parts/parts';
import { hrefOf, may } from '../state';
import { ahead, number, t, word } from '../text/text';

const EVERY_MS = 3000;
type Row = Bucket & { id: string };

function Bar({ b }: { b: Bucket }): JSX.Element {
  const part = b.limit > 0 ? Math.min(1, b.used / b.limit) : 0;
  const words = t('budgets.used', { used: number(b.used), limit: number(b.limit) });
  return (
    <span class="used">
      <span class="used-words">{words}</span>
      <meter min={0} max={1} high={0.8} optimum={0} value={part} aria-label={words} />
    </span>
  );
}

const columns = (): Column<Row>[] => [
  {
    head: t('budgets.col.what'),
    cell: (b) => (
      <>
        <span class="strong-text">{word('budgets.limit', b.name)}</span>
        <span class="sub">
          {word('budgets.family', b.family)}
          {' · '}
          {t('budgets.app', { id: b.client_key })}
          {b.account && (
            <>
              {' · '}
              {b.account.startsWith('acc_') && may('accounts.read') ? <Link href={hrefOf('account', { id: b.account })}>{t('budgets.account', { id: b.account })}</Link> : t('budgets.account', { id: b.account })}
            </>
          )}
          {b.endpoint && (
            <>
              {' · '}
              <code>{b.endpoint}</code>
            </>
          )}
        </span>
      </>
    ),
  },
  { head: t('budgets.col.used'), cell: (b) => (b.limit > 0 ? <Bar b={b} /> : '') },
  { head: t('budgets.col.window'), cell: (b) => (b.limit > 0 ? word('budgets.window', b.window) : '') },
  {
    head: t('budgets.col.shut'),
    cell: (b) => (b.shut_until && new Date(b.shut_until).getTime() > Date.now() ? <Badge tone="warn">{t('budgets.shut', { when: ahead(b.shut_until) })}</Badge> : <Badge tone="good">{t('budgets.open')}</Badge>),
  },
];

export function Budgets(): JSX.Element {
  const state = useLoad(() => api.budgets(), 'budgets');
  useEffect(() => {
    const timer = setInterval(() => void state.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const rows = (state.data?.buckets ?? []).map((b) => ({ ...b, id: [b.family, b.client_key, b.account, b.endpoint, b.name].join(' ') }));
  return (
    <>
      <PageHead title={t('budgets.title')} lead={`${t('budgets.lead')} ${t('budgets.by_itself')}`} />
      {state.problem && <ProblemBox problem={state.problem} again={() => void state.reload()} />}
      {!state.data && !state.problem && <Loading />}
      {state.data && rows.length === 0 && <Empty icon="gauge" title={t('budgets.empty')} text={t('budgets.empty.text')} />}
      {rows.length > 0 && <Table caption={t('budgets.title')} columns={columns()} rows={rows} />}
    </>
  );
}
