// The health timeline of a connection: what happened to its grant, newest first, with TikTok's own code and log id.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type TimelineItem } from '../api';
import { Copy, Empty, inThai, ListView, useList } from '../parts/parts';
import { t, timeExact } from '../text/text';

const failed = (i: TimelineItem): boolean => i.outcome === 'bad';

export function Timeline({ id, turn }: { id: string; turn: number }): JSX.Element {
  const list = useList((cursor) => api.timeline(id, cursor), `timeline ${id}`);
  const [only, setOnly] = useState(false);
  useEffect(() => {
    if (turn > 0) void list.reload();
  }, [turn]);
  return (
    <section class="card" aria-labelledby="timeline-title">
      <div class="card-head spread">
        <h2 id="timeline-title">{t('timeline.title')}</h2>
        <label class="check">
          <input type="checkbox" data-ui="failures" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} />
          {t('timeline.failures')}
        </label>
      </div>
      <ListView list={list} empty={<Empty icon="clock" title={t('timeline.empty')} />}>
        {(all) => {
          const items = only ? all.filter(failed) : all;
          if (items.length === 0) return <Empty icon="check" title={t('timeline.empty.failures')} />;
          return (
            <ol class="steps timeline">
              {items.map((i) => (
                <li key={i.id} data-what={i.what} class={failed(i) ? 'bad' : undefined}>
                  <time dateTime={i.at}>{timeExact(i.at)}</time>
                  <p>{inThai() ? i.th : i.en}</p>
                  {(i.tiktok_code !== null || i.log_id) && (
                    <p class="timeline-codes">
                      {i.tiktok_code !== null && (
                        <span>
                          {t('timeline.code')} <Copy value={String(i.tiktok_code)} what={t('timeline.code')} />
                        </span>
                      )}
                      {i.log_id && (
                        <span>
                          {t('timeline.log')} <Copy value={i.log_id} what={t('timeline.log')} />
                        </span>
                      )}
                    </p>
                  )}
                </li>
              ))}
            </ol>
          );
        }}
      </ListView>
    </section>
  );
}
