// Can this business account use messaging? The verdict, the checks behind it, what to use meanwhile, and who waits for
// TikTok until when.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, type Availability } from '../api';
import { Icon, type IconName } from '../parts/icons';
import { Badge, Copy, Field, inThai, Loading, Moment, ProblemBox, useAct, useLoad, type Tone } from '../parts/parts';
import { may, say } from '../state';
import { t, word } from '../text/text';

const words = (x: { en: string; th: string }): string => (inThai() ? x.th : x.en);
const tones: Record<string, Tone> = { good: 'good', bad: 'bad' };
// Available, not known yet, or one of the reasons why not.
const toneOf = (verdict: string): Tone => (verdict === 'available' ? 'good' : verdict === 'unknown' ? 'quiet' : 'warn');
const icons: Partial<Record<Tone, IconName>> = { good: 'check', warn: 'warn' };

function TaskForm({ id, task, done }: { id: string; task: NonNullable<Availability['task']>; done: () => Promise<void> }): JSX.Element {
  const [owner, setOwner] = useState(task.owner ?? '');
  const [day, setDay] = useState(task.recheck_at?.slice(0, 10) ?? '');
  const { busy, problem, act } = useAct();
  return (
    <form
      class="task-form"
      onSubmit={(e) => {
        e.preventDefault();
        void act(async () => {
          await api.setTask(id, { owner: owner.trim(), recheck_at: `${day}T09:00:00.000Z` });
          say(t('avail.task.saved'));
          await done();
        });
      }}
    >
      <Field label={t('avail.task.owner')} hint={t('avail.task.owner.hint')} name="owner" required maxLength={120} autocomplete="off" value={owner} onInput={(e) => setOwner(e.currentTarget.value)} />
      <Field label={t('avail.task.recheck')} name="recheck" type={'date' as 'text'} required value={day} onInput={(e) => setDay(e.currentTarget.value)} />
      {problem && <ProblemBox problem={problem} />}
      <button type="submit" class="button" disabled={busy}>
        {t('avail.task.save')}
      </button>
    </form>
  );
}

function Task({ id, task, done }: { id: string; task: NonNullable<Availability['task']>; done: () => Promise<void> }): JSX.Element {
  return (
    <div class="task" data-task={task.id}>
      <h3>
        <Icon name="clock" />
        {t('avail.task')}
      </h3>
      <p>{words(task)}</p>
      <p class="hint">{t('avail.task.text')}</p>
      {may('accounts.manage') ? (
        <TaskForm key={task.id} id={id} task={task} done={done} />
      ) : (
        <dl class="facts">
          <div>
            <dt>{t('avail.task.owner')}</dt>
            <dd>{task.owner || t('avail.task.nobody')}</dd>
          </div>
          <div>
            <dt>{t('avail.task.recheck')}</dt>
            <dd>{task.recheck_at ? <Moment at={task.recheck_at} exact /> : t('app.none')}</dd>
          </div>
        </dl>
      )}
    </div>
  );
}

export function AvailabilityPanel({ id, turn }: { id: string; turn: number }): JSX.Element {
  const state = useLoad(() => api.availability(id), `availability ${id}`);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (turn > 0) void state.reload();
  }, [turn]);
  const probe = async () => {
    setBusy(true);
    try {
      state.set(await api.probe(id));
      say(t('avail.check.done'));
    } catch (e) {
      say(asProblem(e).title, 'bad');
    }
    setBusy(false);
  };
  const v = state.data;
  return (
    <section class="card" aria-labelledby="avail-title" data-availability={v?.checked_at ? v.verdict : 'never'}>
      <div class="card-head spread">
        <h2 id="avail-title">{t('avail.title')}</h2>
        {may('accounts.manage') && (
          <button type="button" class="button small" data-ui="probe" disabled={busy} onClick={() => void probe()}>
            {t('avail.check')}
          </button>
        )}
      </div>
      {state.problem && <ProblemBox problem={state.problem} again={() => void state.reload()} />}
      {!v && !state.problem && <Loading rows={2} />}
      {v && (
        <>
          {v.checked_at && (
            <p class={`verdict ${toneOf(v.verdict)}`} data-ui="verdict">
              <Icon name={icons[toneOf(v.verdict)] ?? 'clock'} />
              <span>{words(v)}</span>
            </p>
          )}
          {v.checked_at && (
            <ul class="checks-list" aria-label={t('avail.checks')}>
              {v.checks.map((c) => (
                <li key={c.name} data-check={c.name} data-result={c.result}>
                  <Badge tone={tones[c.result] ?? 'quiet'}>{word('avail.result', c.result)}</Badge>
                  <div>
                    {words(c)}
                    {(c.tiktok_code !== null || c.log_id) && (
                      <p class="timeline-codes">
                        {c.tiktok_code !== null && (
                          <span>
                            {t('timeline.code')} <Copy value={String(c.tiktok_code)} what={t('timeline.code')} />
                          </span>
                        )}
                        {c.log_id && (
                          <span>
                            {t('timeline.log')} <Copy value={c.log_id} what={t('timeline.log')} />
                          </span>
                        )}
                      </p>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          )}
          {v.checked_at && v.fallback && v.fallback.links.length > 0 && (
            <>
              <h3 class="under">{t('avail.fallback')}</h3>
              <p>{words(v.fallback)}</p>
              <ul class="fallback">
                {v.fallback.links.map((l) => (
                  <li key={l.kind}>
                    {l.url && (
                      <a href={l.url} target="_blank" rel="noreferrer noopener">
                        {l.url}
                        <Icon name="away" />
                      </a>
                    )}
                    <p class="hint">{words(l)}</p>
                  </li>
                ))}
              </ul>
            </>
          )}
          <p class="hint checked-line">
            {v.checked_at ? (
              <>
                {t('hooks.col.checked')} <Moment at={v.checked_at} />
              </>
            ) : (
              t('avail.never')
            )}
          </p>
          {v.task && <Task id={id} task={v.task} done={() => state.reload()} />}
        </>
      )}
    </section>
  );
}
