"""The collector's database: SQLite, one file, one writer.

``facts`` is the join index (one row a request), ``log`` the raw events, ``*_seconds`` the evidence by whole second of
the collector's clock, ``totals`` and ``pair_totals`` the same since ever, ``router_counts`` what routers learnt.
Retention deletes from all but the totals, ``evidence`` and ``router_counts``.
"""

from sluicegate.serving.protocol.router_counts import TABLE as ROUTER_COUNTS

SCHEMA_VERSION = 1

PRAGMAS = (
    # A second collector on the same directory would count everything twice; it is refused instead.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    # Survives kill -9 of the process; the last moments before a power cut may be lost, which a request log may.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
)

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS deployments (
  id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (namespace, name));
CREATE TABLE IF NOT EXISTS models (
  deployment INTEGER NOT NULL, predictor TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
  digest TEXT NOT NULL, classes TEXT NOT NULL, PRIMARY KEY (deployment, predictor)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS profiles (digest TEXT PRIMARY KEY, profile BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
  sequence INTEGER PRIMARY KEY, event TEXT NOT NULL UNIQUE, deployment INTEGER NOT NULL, predictor TEXT NOT NULL,
  type TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (
  sequence INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, request TEXT NOT NULL, at REAL NOT NULL,
  facts BLOB NOT NULL, UNIQUE (deployment, request));
CREATE TABLE IF NOT EXISTS pair_seconds (
  deployment INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL, at INTEGER NOT NULL,
  count INTEGER NOT NULL, flips INTEGER NOT NULL, labelled INTEGER NOT NULL,
  only_first_wrong INTEGER NOT NULL, only_second_wrong INTEGER NOT NULL,
  PRIMARY KEY (deployment, first, second, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pair_totals (
  deployment INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL,
  count INTEGER NOT NULL, flips INTEGER NOT NULL, labelled INTEGER NOT NULL,
  only_first_wrong INTEGER NOT NULL, only_second_wrong INTEGER NOT NULL,
  PRIMARY KEY (deployment, first, second)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
  deployment INTEGER NOT NULL, predictor TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (deployment, predictor, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_seconds (
  deployment INTEGER NOT NULL, predictor TEXT NOT NULL, mirror INTEGER NOT NULL, at INTEGER NOT NULL,
  requests INTEGER NOT NULL, errors INTEGER NOT NULL, slower BLOB NOT NULL,
  PRIMARY KEY (deployment, predictor, mirror, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_sample (
  only INTEGER PRIMARY KEY CHECK (only = 1), at REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS alive (only INTEGER PRIMARY KEY CHECK (only = 1), at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS gaps (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS episodes (
  id INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, predictor TEXT NOT NULL, digest TEXT NOT NULL,
  since REAL NOT NULL, last REAL NOT NULL, ended REAL, alerted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS alerts (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, body BLOB NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (
  namespace TEXT NOT NULL, rollout TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (namespace, rollout)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pair_seconds_at ON pair_seconds (at);
CREATE INDEX IF NOT EXISTS gateway_seconds_at ON gateway_seconds (at);
"""
    + ROUTER_COUNTS
)
