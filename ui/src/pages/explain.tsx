import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { Empty, Field, Loading, PageHead, ProblemBox, useAct } from '../parts/parts';
import { go, hrefOf, place } from '../state';
import { t, timeExact } from '../text/text';

export function Explain(): JSX.Element {
  const asked = place.value.query.get('id') ?? '';
  const [id, setId] = useState(asked);
  const [story, setStory] = useState<{ id: string; steps: { at: string; text: string }[] } | null>(null);
  const { busy, problem, act } = useAct();
  useEffect(() => {
    setId(asked);
    setStory(null);
    if (asked) void act(async () => setStory(await api.explain(asked)));
  }, [asked]);
  return (
    <>
      <PageHead title={t('explain.title')} lead={t('explain.lead')} />
      <form
        class="ask"
        onSubmit={(e) => {
          e.preventDefault();
          if (id.trim()) go(hrefOf('explain', { id: id.trim() }));
        }}
      >
        <Field label={t('explain.id')} hint={t('explain.hint')} name="id" required maxLength={128} autocomplete="off" spellcheck={false} class="mono" value={id} onInput={(e) => setId(e.currentTarget.value)} />
        <button type="submit" class="button strong" disabled={busy}>
          {t('explain.button')}
        </button>
      </form>
      {busy && <Loading />}
      {problem && <ProblemBox problem={problem} />}
      {story && story.steps.length === 0 && <Empty icon="explain" title={t('explain.empty')} />}
      {story && story.steps.length > 0 && (
        <section class="card" aria-labelledby="steps-title">
          <div class="card-head">
            <h2 id="steps-title">{t('explain.steps')}</h2>
            <code>{story.id}</code>
          </div>
          <ol class="steps">
            {story.steps.map((s, i) => (
              <li key={i}>
                <time dateTime={s.at}>{timeExact(s.at)}</time>
                <p lang="en">{s.text}</p>
              </li>
            ))}
          </ol>
          <p class="hint">{t('explain.steps.note')}</p>
        </section>
      )}
    </>
  );
}
