import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, type Flag } from '../api';
import { Badge, Confirm, Empty, Field, inThai, ListView, Moment, PageHead, useList } from '../parts/parts';
import { may, say } from '../state';
import { t } from '../text/text';

type Change = { flag: Flag; to: 'on' | 'off' | 'unset' };

function ConfirmChange({ change, close, done }: { change: Change; close: () => void; done: () => Promise<void> }): JSX.Element {
  const [reason, setReason] = useState('');
  const { flag, to } = change;
  const name = flag.name;
  const off = to === 'off';
  return (
    <Confirm
      danger={off}
      title={t(`flags.dialog.${to}`, { name })}
      text={off ? t('flags.when_off', { text: inThai() ? flag.means_th : flag.means_en }) : ''}
      button={t(to === 'on' ? 'flags.turn_on' : off ? 'flags.turn_off' : 'flags.unset')}
      close={close}
      act={async () => {
        if (to === 'unset') await api.unsetFlag(name, reason.trim());
        else await api.setFlag(name, to === 'on', reason.trim());
        say(t(`flags.done.${to}`, { name }));
        await done();
      }}
    >
      <Field label={t('flags.dialog.reason')} hint={t('flags.dialog.reason.hint')} name="reason" required minLength={3} maxLength={300} autocomplete="off" value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
    </Confirm>
  );
}

export function Flags(): JSX.Element {
  const list = useList(() => api.flags(), 'flags');
  const [change, setChange] = useState<Change | null>(null);
  const manage = may('flags.manage');
  return (
    <>
      <PageHead title={t('flags.title')} lead={t('flags.lead')} />
      <ListView list={list} empty={<Empty icon="flags" title={t('flags.empty')} text={t('flags.empty.text')} />}>
        {(items) => (
          <ul class="cards">
            {items.map((f) => (
              <li class="card flag" key={f.name} data-flag={f.name} data-on={f.on ? 'yes' : 'no'}>
                <div class="card-head">
                  <h2 class="mono-text">{f.name}</h2>
                  <Badge tone={f.on ? 'good' : 'quiet'}>{t(f.on ? 'flags.on' : 'flags.off')}</Badge>
                </div>
                <p>{t('flags.when_off', { text: inThai() ? f.means_th : f.means_en })}</p>
                <p class="hint">
                  {f.installation === 'off' ? t('flags.installation.off') : t(`flags.here.${f.here}`)}
                  {f.installation === 'on' && f.here === 'unset' && <> {t('flags.installation.on')}</>}
                </p>
                {f.reason && <p class="hint">{t('flags.reason', { reason: f.reason })}</p>}
                {f.changed_at && (
                  <p class="hint">
                    <Moment at={f.changed_at} exact /> · <code>{f.changed_by}</code>
                  </p>
                )}
                {manage && (
                  <div class="card-acts">
                    {f.on ? (
                      <button type="button" class="button small" aria-label={t('flags.turn_off.of', { name: f.name })} onClick={() => setChange({ flag: f, to: 'off' })}>
                        {t('flags.turn_off')}
                      </button>
                    ) : (
                      <button type="button" class="button small" disabled={f.installation === 'off'} aria-label={t('flags.turn_on.of', { name: f.name })} onClick={() => setChange({ flag: f, to: 'on' })}>
                        {t('flags.turn_on')}
                      </button>
                    )}
                    {f.here !== 'unset' && (
                      <button type="button" class="button small" aria-label={t('flags.unset.of', { name: f.name })} onClick={() => setChange({ flag: f, to: 'unset' })}>
                        {t('flags.unset')}
                      </button>
                    )}
                  </div>
                )}
              </li>
            ))}
          </ul>
        )}
      </ListView>
      {change && (
        <ConfirmChange
          change={change}
          close={() => setChange(null)}
          done={async () => {
            setChange(null);
            await list.reload();
          }}
        />
      )}
    </>
  );
}
