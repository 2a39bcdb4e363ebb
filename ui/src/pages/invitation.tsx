import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../api';
import { Empty, Field, ProblemBox, useAct } from '../parts/parts';
import { askWho, go } from '../state';
import { language, t } from '../text/text';
import { Gate } from './sign-in';

const PASSWORD_MIN = 12;

// The token stands behind #, so that it reaches no server log. It leaves the address bar when it was used.
export function Invitation(): JSX.Element {
  const [token] = useState(() => location.hash.slice(1));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const { busy, problem, act } = useAct();
  const short = new TextEncoder().encode(password).length < PASSWORD_MIN;
  if (token.length !== 43)
    return (
      <Gate title={t('invite.title')} lead={t('invite.lead')}>
        <Empty icon="warn" title={t('invite.missing')} text={t('invite.missing.text')} />
      </Gate>
    );
  return (
    <Gate title={t('invite.title')} lead={t('invite.lead')}>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          setTried(true);
          if (short) return;
          void act(async () => {
            await api.acceptInvitation({ token, ...(name.trim() ? { name: name.trim() } : {}), password, language: language.value });
            go('/console/', true);
            await askWho();
          });
        }}
      >
        <Field label={t('invite.name')} name="name" autocomplete="name" maxLength={120} value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <Field
          label={t('invite.password')}
          hint={t('invite.password.hint')}
          error={tried && short ? t('invite.password.short') : undefined}
          type="password"
          name="new-password"
          autocomplete="new-password"
          required
          maxLength={128}
          value={password}
          onInput={(e) => setPassword(e.currentTarget.value)}
        />
        {problem && <ProblemBox problem={problem} />}
        <button type="submit" class="button strong wide" disabled={busy}>
          {t('invite.button')}
        </button>
      </form>
    </Gate>
  );
}
