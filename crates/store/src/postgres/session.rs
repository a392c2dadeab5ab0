//! What every connection relies on, whatever the database's own settings are.

/// Run on each new connection. A commit that lasts only in memory is never accepted; how many replicas it waits for is
/// the operator's choice. All look-ups are by index, in the order of their keys: the planner, which would have to guess
/// about tables that were empty a moment ago, is left no other way. A statement that takes longer than it possibly could
/// ends, so that a caller hears of it.
pub(super) const SETTINGS: &str = "
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
    SET statement_timeout = '10s';
    SET lock_timeout = '5s';
    SET client_min_messages = warning";

/// Begins a transaction that sees one moment, however long it takes.
pub(super) const SNAPSHOT: &str = "
    SET idle_in_transaction_session_timeout = 0;
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SELECT 1 FROM bursar.migrations LIMIT 1";

/// What is looked at when the store is opened: version, encoding, whether writing is synced, whether torn pages are repaired.
pub(super) const CHECKED: &str = "
    SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'), current_setting('fsync'),
           current_setting('full_page_writes')";

/// Changing tables waits for those who use them, and for another process that is changing them.
pub(super) const PATIENT: &str = "
    SET LOCAL statement_timeout = '10min';
    SET LOCAL lock_timeout = '1min'";
