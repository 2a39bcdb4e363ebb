import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, tiktokSignInOn } from '../api';
import { Field, ProblemBox, useAct } from '../parts/parts';
import { Logo } from '../parts/icons';
import { AppearanceSelect, LanguageSelect } from '../parts/shell';
import { entered, signInNote } from '../state';
import { language, t } from '../text/text';

// The frame of the pages without a session.
export function Gate({ title, lead, children }: { title: string; lead: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="gate">
      <header class="gate-head">
        <span class="gate-brand">
          <Logo />
          {t('app.name')}
        </span>
        <div class="gate-selects">
          <LanguageSelect bare />
          <AppearanceSelect bare />
        </div>
      </header>
      <main class="gate-card">
        <h1 tabIndex={-1}>{title}</h1>
        <p class="lead">{lead}</p>
        {children}
      </main>
    </div>
  );
}

export function SignIn(): JSX.Element {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [tiktok, setTikTok] = useState<boolean | null>(null);
  const { busy, problem, act } = useAct();
  useEffect(() => {
    void tiktokSignInOn().then(setTikTok);
  }, []);
  return (
    <Gate title={t('signin.title')} lead={t('signin.lead')}>
      {signInNote.value !== 'none' && !problem && (
        <p class="gate-note" role="status">
          {t(signInNote.value === 'ended' ? 'signin.ended' : 'signin.out')}
        </p>
      )}
      {tiktok && (
        <>
          <a class="tiktok-button" href={`/auth/tiktok?console=1&lang=${language.value}`} data-ui="tiktok">
            <span class="tiktok-mark" aria-hidden="true" />
            {t('signin.tiktok')}
          </a>
          <p class="hint centre">{t('signin.tiktok.note')}</p>
          <p class="or">
            <span>{t('signin.or')}</span>
          </p>
        </>
      )}
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void act(async () => entered(await api.signIn(email.trim(), password)));
        }}
      >
        <Field label={t('signin.email')} type="email" name="email" autocomplete="username" required maxLength={254} value={email} onInput={(e) => setEmail(e.currentTarget.value)} />
        <Field
          label={t('signin.password')}
          type={shown ? 'text' : 'password'}
          name="password"
          autocomplete="current-password"
          required
          maxLength={128}
          value={password}
          onInput={(e) => setPassword(e.currentTarget.value)}
        />
        <label class="check">
          <input type="checkbox" checked={shown} onChange={(e) => setShown(e.currentTarget.checked)} />
          {t('signin.password.show')}
        </label>
        {problem && <ProblemBox problem={problem} />}
        <button type="submit" class="button strong wide" disabled={busy}>
          {t(busy ? 'signin.busy' : 'signin.button')}
        </button>
      </form>
      <p class="hint gate-foot">{t('signin.link_note')}</p>
    </Gate>
  );
}
