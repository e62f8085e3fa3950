-- Resources, what hangs on them, jobs and activity.
-- Keys are ids and type names in lower case. Times are UTC microseconds. Documents are JSON.

CREATE TABLE resources (
    key              TEXT   NOT NULL PRIMARY KEY,
    id               TEXT   NOT NULL,
    parent_key       TEXT   NOT NULL,
    type_key         TEXT   NOT NULL,
    subscription_key TEXT   NOT NULL,
    group_key        TEXT   NOT NULL,
    sort_key         TEXT   NOT NULL,
    etag             TEXT   NOT NULL,
    operation        TEXT,
    claims           TEXT   NOT NULL,
    holds            TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    changed_at       BIGINT NOT NULL,
    document         TEXT   NOT NULL
);
CREATE INDEX resources_by_parent ON resources (parent_key, type_key, sort_key, key);
CREATE INDEX resources_by_group ON resources (group_key, type_key, sort_key, key);
CREATE INDEX resources_by_subscription ON resources (subscription_key, type_key, sort_key, key);
CREATE INDEX resources_by_operation ON resources (operation) WHERE operation IS NOT NULL;

-- The claims and holds of each row again, to be found by their words.
CREATE TABLE claims (
    claim        TEXT NOT NULL PRIMARY KEY,
    resource_key TEXT NOT NULL REFERENCES resources (key) ON DELETE CASCADE
);
CREATE INDEX claims_by_resource ON claims (resource_key);

CREATE TABLE holds (
    hold         TEXT NOT NULL,
    resource_key TEXT NOT NULL REFERENCES resources (key) ON DELETE CASCADE,
    PRIMARY KEY (hold, resource_key)
);
CREATE INDEX holds_by_resource ON holds (resource_key);

CREATE TABLE facets (
    resource_key TEXT NOT NULL REFERENCES resources (key) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (resource_key, name)
);

-- due_at is when a job may be leased: the run-after time while it waits, the end of the lease while it runs,
-- nothing once it has ended.
CREATE TABLE jobs (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    kind           TEXT    NOT NULL,
    target         TEXT    NOT NULL,
    target_key     TEXT    NOT NULL,
    input          TEXT    NOT NULL,
    outputs        TEXT    NOT NULL,
    attempt        BIGINT  NOT NULL,
    state          TEXT    NOT NULL,
    result         TEXT,
    correlation_id TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    run_after      BIGINT  NOT NULL,
    due_at         BIGINT,
    lease_owner    TEXT,
    ended_at       BIGINT
);
CREATE INDEX jobs_due ON jobs (due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_open ON jobs (created_at, seq) WHERE ended_at IS NULL;
CREATE INDEX jobs_open_by_target ON jobs (target_key) WHERE ended_at IS NULL;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE activity (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    target         TEXT    NOT NULL,
    at             BIGINT  NOT NULL,
    action         TEXT    NOT NULL,
    caller         TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    document       TEXT    NOT NULL
);

-- Each entry under its target and everything that contains it, so that any scope reads its log in order.
CREATE TABLE activity_scopes (
    scope_key TEXT    NOT NULL,
    at        BIGINT  NOT NULL,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (scope_key, at, seq)
) WITHOUT ROWID;
