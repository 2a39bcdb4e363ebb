import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type Account } from '../api';
import { onLive } from '../live';
import { Avatar, Badge, Confirm, Empty, inThai, ListView, Moment, PageHead, useList, type Tone } from '../parts/parts';
import { may, say } from '../state';
import { t, word } from '../text/text';

const tones: Record<string, Tone> = { connected: 'good', needs_reauth: 'warn', revoking: 'quiet', revoked: 'quiet' };
const nameOf = (a: Account) => a.name || t('accounts.unnamed');

function Scopes({ list, tone }: { list: string[]; tone: Tone }): JSX.Element {
  return (
    <ul class="chips">
      {list.map((s) => (
        <li key={s} class={`chip ${tone}`}>
          <code>{s}</code>
        </li>
      ))}
    </ul>
  );
}

function Card({ a, disconnect }: { a: Account; disconnect: (() => void) | null }): JSX.Element {
  const step = inThai() ? a.next_step_th : a.next_step_en;
  return (
    <li class="card account" data-account={a.id} data-state={a.state}>
      <div class="account-head">
        <Avatar name={nameOf(a)} />
        <div class="account-who">
          <h2>{nameOf(a)}</h2>
          <p class="sub">{word('accounts.kind', a.kind)}</p>
        </div>
        <Badge tone={tones[a.state] ?? 'quiet'}>{word('accounts.state', a.state)}</Badge>
      </div>
      {step && <p class="step">{step}</p>}
      <dl class="facts">
        <div>
          <dt>{t('accounts.connected')}</dt>
          <dd>
            <Moment at={a.connected_at} />
          </dd>
        </div>
        <div>
          <dt>{t('accounts.last_call')}</dt>
          <dd>
            <Moment at={a.last_good_call_at} />
          </dd>
        </div>
        <div>
          <dt>{t('accounts.last_webhook')}</dt>
          <dd>
            <Moment at={a.last_webhook_at} />
          </dd>
        </div>
        <div class="whole">
          <dt>{t('accounts.id')}</dt>
          <dd>
            <code>{a.id}</code>
          </dd>
        </div>
        {a.scopes.length > 0 && (
          <div class="whole">
            <dt>{t('accounts.scopes')}</dt>
            <dd>
              <Scopes list={a.scopes} tone="quiet" />
            </dd>
          </div>
        )}
        {a.state === 'connected' && a.missing_scopes.length > 0 && (
          <div class="whole">
            <dt>{t('accounts.missing')}</dt>
            <dd>
              <Scopes list={a.missing_scopes} tone="warn" />
              <p class="hint">{t('accounts.missing.text')}</p>
            </dd>
          </div>
        )}
      </dl>
      {disconnect && (
        <div class="card-acts">
          <button type="button" class="button small" aria-label={t('accounts.disconnect.of', { name: nameOf(a) })} onClick={disconnect}>
            {t('accounts.disconnect')}
          </button>
        </div>
      )}
    </li>
  );
}

export function Accounts(): JSX.Element {
  const list = useList((cursor) => api.accounts(cursor), 'accounts');
  const [leaving, setLeaving] = useState<Account | null>(null);
  useEffect(() => onLive((topics) => (topics.has('account') || topics.has('*') ? void list.reload() : undefined)), []);
  // The end of a grant at TikTok is a job's work; it is looked at again until it is done.
  const ending = list.data?.items.some((a) => a.state === 'revoking') ?? false;
  useEffect(() => {
    if (!ending) return;
    const timer = setInterval(() => void list.reload(), 2000);
    return () => clearInterval(timer);
  }, [ending]);
  return (
    <>
      <PageHead title={t('accounts.title')} lead={t('accounts.lead')} />
      <ListView list={list} empty={<Empty icon="accounts" title={t('accounts.empty')} text={t('accounts.empty.text')} />}>
        {(items) => (
          <ul class="cards">
            {items.map((a) => (
              <Card
                key={a.id}
                a={a}
                disconnect={may('accounts.manage') && (a.state === 'connected' || a.state === 'needs_reauth') ? () => setLeaving(a) : null}
              />
            ))}
          </ul>
        )}
      </ListView>
      {leaving && (
        <Confirm
          danger
          title={t('accounts.disconnect.title', { name: nameOf(leaving) })}
          text={t('accounts.disconnect.text')}
          button={t('accounts.disconnect')}
          close={() => setLeaving(null)}
          act={async () => {
            await api.revokeAccount(leaving.id);
            say(t('accounts.disconnect.done', { name: nameOf(leaving) }));
            setLeaving(null);
            await list.reload();
          }}
        />
      )}
    </>
  );
}
