import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, asProblem, type Member } from '../api';
import { Avatar, Badge, Confirm, Dialog, Empty, Field, ListView, Moment, PageHead, ProblemBox, Secret, Select, Table, useAct, useList, type Column } from '../parts/parts';
import { may, say, session } from '../state';
import { date, dateTime, language, languageNames, languages, t, word, type Language } from '../text/text';

const roles = ['owner', 'admin', 'analyst', 'agent', 'auditor'] as const;
// Nobody gives more than he has: only owners make owners. The service decides; this only hides what it would refuse.
function givable(): readonly string[] {
  return session.value?.member.role === 'owner' ? roles : roles.filter((r) => r !== 'owner');
}
const roleOptions = (list: readonly string[]) => list.map((r) => [r, word('role', r)] as const);

function Invite({ close }: { close: () => void }): JSX.Element {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState('agent');
  const [lang, setLang] = useState<string>(language.value);
  const [made, setMade] = useState<{ email: string; link: string; expires_at: string } | null>(null);
  const { busy, problem, act } = useAct();
  if (made)
    return (
      <Dialog title={t('members.invite.done', { email: made.email })} close={close} locked>
        <p>{t('members.invite.done.text', { when: dateTime(made.expires_at) })}</p>
        <Secret label={t('members.invite.link')} value={made.link} />
        <div class="dialog-acts">
          <button type="button" class="button strong" onClick={close}>
            {t('members.invite.done.close')}
          </button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={t('members.invite.title')} close={close} locked={busy}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void act(async () => {
            const i = await api.invite({ email: email.trim(), ...(name.trim() ? { name: name.trim() } : {}), role, language: lang });
            setMade({ email: i.email, link: i.link ?? '', expires_at: i.expires_at });
          });
        }}
      >
        <p>{t('members.invite.text')}</p>
        <Field label={t('members.invite.email')} type="email" name="email" required maxLength={254} autocomplete="off" value={email} onInput={(e) => setEmail(e.currentTarget.value)} />
        <Field label={t('members.invite.name')} name="name" maxLength={120} autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <Select label={t('members.invite.role')} value={role} options={roleOptions(givable())} change={setRole} hint={word('role', `${role}.text`)} />
        <Select label={t('members.invite.language')} value={lang} options={languages.map((l) => [l, languageNames[l as Language]] as const)} change={setLang} />
        {problem && <ProblemBox problem={problem} />}
        <div class="dialog-acts">
          <button type="button" class="button" disabled={busy} onClick={close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="button strong" disabled={busy}>
            {t('members.invite.button')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Members(): JSX.Element {
  const list = useList((cursor) => api.members(cursor), 'members');
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const me = session.value?.member;
  const manage = may('members.manage');
  const label = (m: Member) => m.name || m.email;
  const editable = (m: Member) => manage && m.id !== me?.id && (m.role !== 'owner' || me?.role === 'owner');

  const change = async (m: Member, role: string) => {
    try {
      await api.setRole(m.id, role);
      say(t('members.role.changed', { name: label(m), role: word('role', role) }));
    } catch (e) {
      say(asProblem(e).title, 'bad');
    }
    await list.reload();
  };

  const columns: Column<Member>[] = [
    {
      head: t('members.col.name'),
      cell: (m) => (
        <div class="person">
          <Avatar name={label(m)} />
          <div>
            <span class="strong-text">{label(m)}</span> {m.id === me?.id && <Badge tone="info">{t('members.you')}</Badge>}
            {m.name && <span class="sub">{m.email}</span>}
          </div>
        </div>
      ),
    },
    {
      head: t('members.col.role'),
      cell: (m) =>
        editable(m) ? (
          <Select bare label={t('members.role_of', { name: label(m) })} value={m.role} options={roleOptions(givable())} change={(r) => void change(m, r)} />
        ) : (
          word('role', m.role)
        ),
    },
    { head: t('members.col.since'), cell: (m) => date(m.created_at) },
    { head: t('members.col.seen'), cell: (m) => <Moment at={m.signed_in_at} /> },
  ];
  if (manage)
    columns.push({
      head: t('members.col.acts'),
      end: true,
      cell: (m) =>
        editable(m) ? (
          <button type="button" class="button small" aria-label={t('members.remove.of', { name: label(m) })} onClick={() => setRemoving(m)}>
            {t('members.remove')}
          </button>
        ) : (
          ''
        ),
    });

  return (
    <>
      <PageHead title={t('members.title')} lead={t('members.lead')}>
        {manage && (
          <button type="button" class="button strong" onClick={() => setInviting(true)}>
            {t('members.invite')}
          </button>
        )}
      </PageHead>
      <ListView list={list} empty={<Empty icon="members" title={t('members.empty')} text={t('members.empty.text')} />}>
        {(items) => <Table caption={t('members.title')} columns={columns} rows={items} />}
      </ListView>
      {inviting && (
        <Invite
          close={() => {
            setInviting(false);
            void list.reload();
          }}
        />
      )}
      {removing && (
        <Confirm
          danger
          title={t('members.remove.title', { name: label(removing) })}
          text={t('members.remove.text')}
          button={t('members.remove')}
          close={() => setRemoving(null)}
          act={async () => {
            await api.removeMember(removing.id);
            say(t('members.remove.done', { name: label(removing) }));
            setRemoving(null);
            await list.reload();
          }}
        />
      )}
    </>
  );
}
