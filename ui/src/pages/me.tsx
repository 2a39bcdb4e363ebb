import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../api';
import { Confirm, PageHead, ProblemBox, useAct } from '../parts/parts';
import { AppearanceSelect, LanguageSelect } from '../parts/shell';
import { entered, say, session } from '../state';
import { dateTime, t, word } from '../text/text';

export function Me(): JSX.Element {
  const [unlinking, setUnlinking] = useState(false);
  const { busy, problem, act } = useAct();
  const s = session.value;
  if (!s) return <></>;
  const linked = s.member.identities[0];
  const off = s.flags?.['login.tiktok'] === false;
  return (
    <>
      <PageHead title={t('me.title')} lead={t('me.lead')} />
      <div class="columns">
        <section class="card" aria-labelledby="me-profile">
          <h2 id="me-profile">{t('me.profile')}</h2>
          <dl class="facts">
            <div>
              <dt>{t('me.name')}</dt>
              <dd>{s.member.name || '–'}</dd>
            </div>
            <div>
              <dt>{t('me.email')}</dt>
              <dd>{s.member.email}</dd>
            </div>
            <div>
              <dt>{t('me.role')}</dt>
              <dd>{word('role', s.member.role)}</dd>
            </div>
            <div>
              <dt>{t('me.workspace')}</dt>
              <dd>{s.workspace.name}</dd>
            </div>
          </dl>
        </section>
        <section class="card" aria-labelledby="me-settings">
          <h2 id="me-settings">{t('me.settings')}</h2>
          <LanguageSelect />
          <AppearanceSelect />
        </section>
        <section class="card" aria-labelledby="me-tiktok">
          <h2 id="me-tiktok">{t('me.tiktok')}</h2>
          <p data-ui="tiktok-state" data-linked={linked ? 'yes' : 'no'}>
            {linked ? t('me.tiktok.linked', { when: dateTime(linked.linked_at) }) : t(off ? 'me.tiktok.off' : 'me.tiktok.none')}
          </p>
          {problem && <ProblemBox problem={problem} />}
          <div class="card-acts">
            {linked ? (
              <button type="button" class="button" data-ui="tiktok-unlink" onClick={() => setUnlinking(true)}>
                {t('me.tiktok.unlink')}
              </button>
            ) : (
              !off && (
                <button type="button" class="button strong" data-ui="tiktok-link" disabled={busy} onClick={() => void act(async () => location.assign((await api.linkTikTok()).start_url))}>
                  {t('me.tiktok.link')}
                </button>
              )
            )}
          </div>
        </section>
      </div>
      {unlinking && (
        <Confirm
          danger
          title={t('me.tiktok.unlink.title')}
          text={t('me.tiktok.unlink.text')}
          button={t('me.tiktok.unlink')}
          close={() => setUnlinking(false)}
          act={async () => {
            entered(await api.unlinkTikTok());
            say(t('me.tiktok.unlink.done'));
            setUnlinking(false);
          }}
        />
      )}
    </>
  );
}
