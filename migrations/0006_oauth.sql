-- Sign-ins: our clients with the CRMs' providers of tokens, what is known of a connection's tokens, and
-- the sign-ins that are under way. The tokens themselves stay in leadrail.connection, sealed.
--
-- Safe beside any release: nothing older names these tables. A connection that an older release renews
-- nothing of works until its token ends.
-- Undo by dropping them: whoever signed in has to sign in again when their token ends.
create table leadrail.provider_client (
    id uuid primary key,
    provider text not null check (provider <> ''),
    environment text not null check (environment <> ''),
    client_id text not null check (client_id <> ''),
    base_url text,
    vault_key_id text not null,
    sealed_data_key bytea not null check (octet_length(sealed_data_key) = 73),
    sealed_secret bytea not null check (octet_length(sealed_secret) > 41),
    created_at timestamptz not null default leadrail.now(),
    updated_at timestamptz not null default leadrail.now(),
    constraint provider_client_one_per_environment unique (provider, environment)
);

comment on table leadrail.provider_client is 'Our own client with a provider of tokens, one for each of its environments.';
comment on column leadrail.provider_client.id is 'Random (v4).';
comment on column leadrail.provider_client.provider is 'The CRM''s name, such as jobber.';
comment on column leadrail.provider_client.environment is 'Which of its installations, such as production.';
comment on column leadrail.provider_client.client_id is 'Our id there, which its page shows to everybody.';
comment on column leadrail.provider_client.base_url is 'Takes the place of the provider''s own addresses (simulator, proxy); no slash at the end.';
comment on column leadrail.provider_client.vault_key_id is 'Fingerprint of the vault key that seals the data key.';
comment on column leadrail.provider_client.sealed_data_key is 'This client''s data key, sealed under the vault key and bound to this row.';
comment on column leadrail.provider_client.sealed_secret is 'Our secret there, sealed under the data key and bound to this row, its id and its address.';

create table leadrail.oauth_grant (
    connection_id uuid primary key references leadrail.connection (id) on delete cascade,
    environment text,
    centre text,
    identity text,
    secret_version integer,
    refresh_at timestamptz,
    expires_at timestamptz,
    renewals bigint not null default 0,
    renewed_at timestamptz,
    claim uuid,
    claimed_version integer,
    claimed_at timestamptz,
    claim_ends_at timestamptz,
    retry_at timestamptz,
    failures integer not null default 0,
    constraint oauth_grant_claim_is_whole check (
        (claim is null) = (claimed_at is null) and (claim is null) = (claim_ends_at is null)
    )
);

comment on table leadrail.oauth_grant is 'What is known of the tokens of a connection that were issued to us, and who renews them now.';
comment on column leadrail.oauth_grant.environment is 'With which of our clients they were issued; null where the account has one of its own.';
comment on column leadrail.oauth_grant.centre is 'The data centre in which the account lives; null where the provider has none.';
comment on column leadrail.oauth_grant.identity is 'Whose account was let in, by the CRM''s id; whoever signs in again must be the same.';
comment on column leadrail.oauth_grant.secret_version is 'Which version of the connection''s secrets the times speak of.';
comment on column leadrail.oauth_grant.refresh_at is 'From when on the access token is renewed: at 80 % of its life.';
comment on column leadrail.oauth_grant.expires_at is 'When the access token ends.';
comment on column leadrail.oauth_grant.renewals is 'How often they were renewed since somebody signed in.';
comment on column leadrail.oauth_grant.claim is 'Who renews them: a random id for each attempt; null while nobody does.';
comment on column leadrail.oauth_grant.claimed_version is 'Which version of the secrets was last claimed or failed to be renewed; of another one nothing below is true.';
comment on column leadrail.oauth_grant.claimed_at is 'When the renewal began.';
comment on column leadrail.oauth_grant.claim_ends_at is 'By then its answer had come or nobody waits for it: a claim that has ended has lost its answer.';
comment on column leadrail.oauth_grant.retry_at is 'Not to be tried before, because the provider failed or asked for patience.';
comment on column leadrail.oauth_grant.failures is 'How often in a row the provider failed.';

create table leadrail.sign_in_link (
    hash bytea primary key check (octet_length(hash) = 32),
    connection_id uuid not null references leadrail.connection (id) on delete cascade,
    provider text not null,
    environment text not null,
    created_at timestamptz not null default leadrail.now(),
    created_by text not null,
    expires_at timestamptz not null
);
create index sign_in_link_connection on leadrail.sign_in_link (connection_id);

comment on table leadrail.sign_in_link is 'A link by which somebody may sign in for a connection, until somebody has or it ends.';
comment on column leadrail.sign_in_link.hash is 'SHA-256 of the 256 random bits in the link.';
comment on column leadrail.sign_in_link.created_by is 'The actor that made it.';

create table leadrail.sign_in (
    state_hash bytea primary key check (octet_length(state_hash) = 32),
    browser_hash bytea not null check (octet_length(browser_hash) = 32),
    connection_id uuid not null references leadrail.connection (id) on delete cascade,
    account text not null,
    provider text not null,
    environment text not null,
    expires_at timestamptz not null
);
create index sign_in_expires on leadrail.sign_in (expires_at);
create index sign_in_connection on leadrail.sign_in (connection_id);

comment on table leadrail.sign_in is 'Somebody is on the way to a provider and back: good once, for ten minutes, in one browser.';
comment on column leadrail.sign_in.state_hash is 'SHA-256 of the 256 random bits that the provider hands back.';
comment on column leadrail.sign_in.browser_hash is 'SHA-256 of the 256 random bits in the cookie of the browser that left.';
