-- Two tables, each with one index. What a key means is in codec.rs; the views of views.sql say it to people.

-- A record. Its key is kind, owner and identifier or name, as bytes whose order is the order of an export.
-- The body is JSON; what is no text is kept in "bytes" instead.
-- Updates leave the key alone, so with room in the page they touch no index.
CREATE TABLE bursar.records (
    key bytea NOT NULL,
    revision bigint NOT NULL,
    body text,
    bytes bytea,
    CONSTRAINT records_pkey PRIMARY KEY (key)
) WITH (fillfactor = 85);

-- An entry of a list: list and identifier, as bytes whose order is the order of a scan.
CREATE TABLE bursar.entries (
    entry bytea NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (entry)
);

-- One commit: all of its writes, or an error and none of them. BR001 says that a precondition did not hold.
--
-- The keys of each array are in ascending order and are locked in it. Whatever a write depends on stays locked to the
-- end: also what must be absent, by an entry of the unique index that other commits wait for.
CREATE FUNCTION bursar.commit_1(
    updated bytea[], updated_from bigint[], updated_to text[], updated_bytes bytea[],
    checked bytea[], checked_at bigint[],
    removed bytea[], removed_at bigint[],
    dropped bytea[],
    put bytea[], put_as text[], put_bytes bytea[],
    absent bytea[],
    created bytea[], created_as text[], created_bytes bytea[],
    linked bytea[],
    unlinked bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    found bigint;
BEGIN
    IF cardinality(updated) > 0 THEN
        UPDATE bursar.records AS r SET revision = u.revision + 1, body = u.body, bytes = u.bytes
        FROM unnest(updated, updated_from, updated_to, updated_bytes) AS u (key, revision, body, bytes)
        WHERE r.key = u.key AND r.revision = u.revision;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(updated) THEN
            RAISE EXCEPTION USING ERRCODE = 'BR001', MESSAGE = 'a record is not at the revision that was read';
        END IF;
    END IF;
    IF cardinality(checked) > 0 THEN
        PERFORM 1 FROM unnest(checked, checked_at) AS u (key, revision)
        JOIN bursar.records AS r ON r.key = u.key AND r.revision = u.revision
        FOR SHARE OF r;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(checked) THEN
            RAISE EXCEPTION USING ERRCODE = 'BR001', MESSAGE = 'a record is not at the revision that was read';
        END IF;
    END IF;
    IF cardinality(removed) > 0 THEN
        DELETE FROM bursar.records AS r USING unnest(removed, removed_at) AS u (key, revision)
        WHERE r.key = u.key AND r.revision = u.revision;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(removed) THEN
            RAISE EXCEPTION USING ERRCODE = 'BR001', MESSAGE = 'a record is not at the revision that was read';
        END IF;
    END IF;
    IF cardinality(dropped) > 0 THEN
        DELETE FROM bursar.records WHERE key = ANY (dropped);
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(dropped) THEN
            -- What is not there is put there first: otherwise another commit could put it there meanwhile.
            INSERT INTO bursar.records AS r (key, revision) SELECT u.key, 0 FROM unnest(dropped) AS u (key)
            ON CONFLICT (key) DO UPDATE SET revision = r.revision;
            DELETE FROM bursar.records WHERE key = ANY (dropped);
        END IF;
    END IF;
    IF cardinality(put) > 0 THEN
        INSERT INTO bursar.records AS r (key, revision, body, bytes)
        SELECT u.key, 1, u.body, u.bytes FROM unnest(put, put_as, put_bytes) AS u (key, body, bytes)
        ON CONFLICT (key) DO UPDATE SET revision = r.revision + 1, body = excluded.body, bytes = excluded.bytes;
    END IF;
    IF cardinality(absent) > 0 THEN
        INSERT INTO bursar.records (key, revision) SELECT u.key, 0 FROM unnest(absent) AS u (key)
        ON CONFLICT (key) DO NOTHING;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(absent) THEN
            RAISE EXCEPTION USING ERRCODE = 'BR001', MESSAGE = 'a record exists';
        END IF;
        DELETE FROM bursar.records WHERE key = ANY (absent);
    END IF;
    IF cardinality(created) > 0 THEN
        INSERT INTO bursar.records (key, revision, body, bytes)
        SELECT u.key, 1, u.body, u.bytes FROM unnest(created, created_as, created_bytes) AS u (key, body, bytes)
        ON CONFLICT (key) DO NOTHING;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(created) THEN
            RAISE EXCEPTION USING ERRCODE = 'BR001', MESSAGE = 'a record exists';
        END IF;
    END IF;
    IF cardinality(linked) > 0 THEN
        -- An entry that is there is written again, so that it is locked.
        INSERT INTO bursar.entries (entry) SELECT u.entry FROM unnest(linked) AS u (entry)
        ON CONFLICT (entry) DO UPDATE SET entry = excluded.entry;
    END IF;
    IF cardinality(unlinked) > 0 THEN
        DELETE FROM bursar.entries WHERE entry = ANY (unlinked);
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> cardinality(unlinked) THEN
            INSERT INTO bursar.entries (entry) SELECT u.entry FROM unnest(unlinked) AS u (entry)
            ON CONFLICT (entry) DO UPDATE SET entry = excluded.entry;
            DELETE FROM bursar.entries WHERE entry = ANY (unlinked);
        END IF;
    END IF;
END
$$;
