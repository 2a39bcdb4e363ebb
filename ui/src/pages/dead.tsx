import type { JSX } from 'preact';
import { api, asProblem, type DeadLetter } from '../api';
import { Empty, ListView, Moment, PageHead, Table, useList, type Column } from '../parts/parts';
import { may, say } from '../state';
import { number, t } from '../text/text';

export function DeadLetters(): JSX.Element {
  const list = useList((cursor) => api.dead(cursor), 'dead');
  const replay = async (d: DeadLetter) => {
    try {
      await api.replayDead(d.id);
      say(t('dead.replay.done'));
    } catch (e) {
      say(asProblem(e).title, 'bad');
    }
    await list.reload();
  };
  const columns: Column<DeadLetter>[] = [
    {
      head: t('dead.col.kind'),
      cell: (d) => (
        <>
          <span class="strong-text mono-text">{d.kind}</span>
          <span class="sub mono-text">{d.id}</span>
        </>
      ),
    },
    {
      head: t('dead.col.why'),
      cell: (d) => (
        <>
          <code>{d.code}</code>
          {d.detail && <span class="sub">{d.detail}</span>}
        </>
      ),
    },
    { head: t('dead.col.attempts'), cell: (d) => number(d.attempts) },
    { head: t('dead.col.when'), cell: (d) => <Moment at={d.died_at} /> },
  ];
  if (may('jobs.manage'))
    columns.push({
      head: t('dead.col.acts'),
      end: true,
      cell: (d) => (
        <button type="button" class="button small" aria-label={t('dead.replay.of', { kind: d.kind })} onClick={() => void replay(d)}>
          {t('dead.replay')}
        </button>
      ),
    });
  return (
    <>
      <PageHead title={t('dead.title')} lead={t('dead.lead')} />
      <ListView list={list} empty={<Empty icon="check" title={t('dead.empty')} text={t('dead.empty.text')} />}>
        {(items) => <Table caption={t('dead.title')} columns={columns} rows={items} />}
      </ListView>
    </>
  );
}
