-- The CRM connections of an account: where leads go, with which credential, and whether it works.
--
-- A credential is sealed before it gets here (an envelope: a data key per connection, itself sealed
-- under the vault key, which is never in the database), so a dump or a replica gives nothing away.
-- Needs the engine's schema and its `leadrail.now()`.
--
-- Safe beside any release: nothing older names these objects.
-- Undo by dropping the table and then the type: every contractor has to connect again.
create type leadrail.connection_state as enum ('active', 'needs_reauth', 'disabled');

create table leadrail.connection (
    id uuid primary key,
    account text not null,
    crm text not null,
    crm_account_id text,
    base_url text,
    auth_method text not null,
    vault_key_id text not null,
    sealed_data_key bytea not null,
    sealed_secret bytea not null,
    secret_version integer not null default 1,
    settings jsonb not null default '{}',
    state leadrail.connection_state not null default 'active',
    state_reason text,
    state_changed_at timestamptz not null default leadrail.now(),
    last_verified_at timestamptz,
    verified_name text,
    created_at timestamptz not null default leadrail.now(),
    updated_at timestamptz not null default leadrail.now(),
    constraint connection_account_given check (account <> ''),
    constraint connection_crm_given check (crm <> ''),
    -- '' would collide with "none" in the unique index below.
    constraint connection_crm_account_id_given check (crm_account_id <> ''),
    constraint connection_settings_is_object check (jsonb_typeof(settings) = 'object'),
    constraint connection_reason_unless_active check ((state = 'active') = (state_reason is null)),
    -- Format byte, 24 bytes of nonce, the 32-byte key, 16 bytes of tag.
    constraint connection_data_key_size check (octet_length(sealed_data_key) = 73),
    constraint connection_secret_size check (octet_length(sealed_secret) > 41)
);

-- Also serves the look-up of a lead's connection by its first two columns.
create unique index connection_one_per_crm_account
    on leadrail.connection (account, crm, coalesce(crm_account_id, ''));

comment on table leadrail.connection is 'One account''s way into one CRM account.';
comment on column leadrail.connection.id is 'Random (v4). Kept for life: connecting again replaces the credential, not the row.';
comment on column leadrail.connection.account is 'Whose connection it is: the lead payload''s callsetter_account_id.';
comment on column leadrail.connection.crm is 'The CRM''s name as leads write it in routing.destination_crm, such as housecall_pro.';
comment on column leadrail.connection.crm_account_id is 'The account on the CRM''s side, as leads write it in routing.crm_account_id; null where none was given.';
comment on column leadrail.connection.base_url is 'Overrides the CRM''s own address (sandbox, data centre, simulator); no slash at the end.';
comment on column leadrail.connection.auth_method is 'How the secret authenticates; the vocabulary is the adapter''s, such as api_key.';
comment on column leadrail.connection.vault_key_id is 'Fingerprint of the vault key that seals the data key.';
comment on column leadrail.connection.sealed_data_key is 'This connection''s data key, sealed with XChaCha20-Poly1305 under the vault key and bound to this row.';
comment on column leadrail.connection.sealed_secret is 'The credential, sealed with XChaCha20-Poly1305 under the data key and bound to this row.';
comment on column leadrail.connection.secret_version is 'Counts replacements of the credential, so that a late refusal of the old one does not condemn the new one.';
comment on column leadrail.connection.settings is 'What the contractor chose; unknown keys are refused when written.';
comment on column leadrail.connection.state is 'active: leads go out. needs_reauth: the CRM refused the credential, leads wait. disabled: a person switched it off.';
comment on column leadrail.connection.state_reason is 'Why it is not active, for people; null while it is.';
comment on column leadrail.connection.state_changed_at is 'When the state was entered.';
comment on column leadrail.connection.last_verified_at is 'When the CRM last accepted the present credential in a check; null if it never did.';
comment on column leadrail.connection.verified_name is 'What the CRM called the account in that check.';
comment on column leadrail.connection.created_at is 'When the account first connected it.';
comment on column leadrail.connection.updated_at is 'When anything in the row last changed.';
