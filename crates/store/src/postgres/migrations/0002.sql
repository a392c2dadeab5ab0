-- Views for people and their tools: whoever may read them needs no right to the tables, which hold more (client secrets,
-- sealed card numbers). The numbers of kinds are those of codec.rs, the fields of bodies those of the domain's types.
-- They read all records of their kind; a record's body is parsed once for all columns.

-- An identifier as people know it, without its prefix.
CREATE FUNCTION bursar.ulid_text(id bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(
        substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + substring(digits.bits FROM 1 + 5 * place FOR 5)::bit(5)::integer, 1),
        '' ORDER BY place
    )
    FROM (SELECT B'00' || ('x' || encode(id, 'hex'))::bit(128) AS bits) AS digits, generate_series(0, 25) AS place
$$;

-- Whose an object is, by its key.
CREATE FUNCTION bursar.account_of(key bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 'acct_' || bursar.ulid_text(substring(key FROM 19 FOR 16))
$$;

CREATE FUNCTION bursar.is_live(key bytea) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT get_byte(key, 34) = 1
$$;

CREATE FUNCTION bursar.moment(milliseconds text) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT timestamptz 'epoch' + milliseconds::bigint * interval '1 millisecond'
$$;

-- What a reference such as {"charge":"ch_…"} refers to.
CREATE FUNCTION bursar.referred(reference jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT value FROM jsonb_each_text(reference) LIMIT 1
$$;

CREATE VIEW bursar.payments AS
SELECT
    d ->> 'id' AS id,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'created_at') AS created_at,
    d ->> 'status' AS status,
    (d -> 'amount' ->> 'minor')::bigint AS amount,
    d -> 'amount' ->> 'currency' AS currency,
    (d ->> 'amount_received')::bigint AS amount_received,
    d ->> 'capture_method' AS capture_method,
    d ->> 'customer' AS customer,
    d ->> 'payment_method' AS payment_method,
    d ->> 'latest_charge' AS latest_charge,
    d ->> 'description' AS description,
    d -> 'last_error' ->> 'code' AS failure_code,
    d -> 'last_error' ->> 'decline_code' AS decline_code,
    bursar.moment(d ->> 'canceled_at') AS canceled_at,
    d ->> 'cancellation_reason' AS cancellation_reason,
    coalesce(d -> 'metadata', '{}') AS metadata
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
WHERE key >= '\x0401' AND key < '\x0402';

CREATE VIEW bursar.charges AS
SELECT
    d ->> 'id' AS id,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'created_at') AS created_at,
    d ->> 'status' AS status,
    d ->> 'payment_intent' AS payment_intent,
    (d -> 'amount' ->> 'minor')::bigint AS amount,
    d -> 'amount' ->> 'currency' AS currency,
    (d ->> 'amount_captured')::bigint AS amount_captured,
    (d ->> 'amount_refunded')::bigint AS amount_refunded,
    d ->> 'provider' AS provider,
    d -> 'authorization' ->> 'provider_reference' AS provider_reference,
    d -> 'failure' ->> 'code' AS failure_code,
    d -> 'failure' ->> 'decline_code' AS decline_code,
    d ->> 'balance_transaction' AS balance_transaction,
    d ->> 'customer' AS customer,
    d ->> 'payment_method' AS payment_method,
    d -> 'card' ->> 'brand' AS card_brand,
    d -> 'card' ->> 'last4' AS card_last4,
    d -> 'card' ->> 'country' AS card_country,
    d ->> 'statement_line' AS statement_line,
    d ->> 'description' AS description,
    coalesce(d -> 'metadata', '{}') AS metadata
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
WHERE key >= '\x0601' AND key < '\x0602';

CREATE VIEW bursar.refunds AS
SELECT
    d ->> 'id' AS id,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'created_at') AS created_at,
    d ->> 'status' AS status,
    d ->> 'charge' AS charge,
    d ->> 'payment_intent' AS payment_intent,
    (d -> 'amount' ->> 'minor')::bigint AS amount,
    d -> 'amount' ->> 'currency' AS currency,
    d ->> 'reason' AS reason,
    d ->> 'provider_reference' AS provider_reference,
    d ->> 'balance_transaction' AS balance_transaction,
    d ->> 'failure_balance_transaction' AS failure_balance_transaction,
    coalesce(d -> 'metadata', '{}') AS metadata
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
WHERE key >= '\x0701' AND key < '\x0702';

CREATE VIEW bursar.balance_transactions AS
SELECT
    d ->> 'id' AS id,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'created_at') AS created_at,
    bursar.moment(d ->> 'available_on') AS available_on,
    (d -> 'amount' ->> 'minor')::bigint AS amount,
    (d ->> 'fee')::bigint AS fee,
    (d -> 'amount' ->> 'minor')::bigint - (d ->> 'fee')::bigint AS net,
    d -> 'amount' ->> 'currency' AS currency,
    bursar.referred(d -> 'source') AS source,
    d ->> 'description' AS description
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
WHERE key >= '\x0801' AND key < '\x0802';

-- A row for each posting. Debits are positive, credits negative: those of an entry add up to 0.
CREATE VIEW bursar.journal AS
SELECT
    d ->> 'id' AS entry,
    posting.place AS line,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'at') AS at,
    bursar.moment(d ->> 'available_on') AS available_on,
    d ->> 'movement' AS movement,
    bursar.referred(d -> 'source') AS source,
    posting.what ->> 0 AS ledger_account,
    (posting.what ->> 1)::bigint AS amount,
    posting.what ->> 2 AS currency
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
CROSS JOIN LATERAL jsonb_array_elements(d -> 'postings') WITH ORDINALITY AS posting (what, place)
WHERE key >= '\x0901' AND key < '\x0902';

-- With the object as it was then, without what only its buyer may know.
CREATE VIEW bursar.events AS
SELECT
    d ->> 'id' AS id,
    bursar.account_of(key) AS account,
    bursar.is_live(key) AS livemode,
    bursar.moment(d ->> 'created_at') AS created_at,
    d ->> 'kind' AS kind,
    snapshot.what ->> 'id' AS object_id,
    snapshot.what - 'secret' AS object,
    d -> 'cause' ->> 'request' AS request,
    d -> 'cause' ->> 'idempotency_key' AS idempotency_key
FROM bursar.records CROSS JOIN LATERAL (SELECT body::jsonb -> 'd' AS d OFFSET 0) AS parsed
CROSS JOIN LATERAL (SELECT value AS what FROM jsonb_each(d -> 'object') LIMIT 1) AS snapshot
WHERE key >= '\x0b01' AND key < '\x0b02';
