-- The same tables as in 0001_start.sql, where they are explained. Text that is compared in order is COLLATE "C", as SQLite
-- compares it; numbers are BIGINT, as its INTEGER.

CREATE TABLE users (
  id TEXT COLLATE "C" PRIMARY KEY,
  username TEXT,
  username_key TEXT COLLATE "C" UNIQUE,
  email TEXT,
  email_key TEXT UNIQUE,
  password_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  disabled_at BIGINT,
  operator_since BIGINT,
  email_verified_at BIGINT,
  email_pending TEXT,
  language TEXT,
  era BIGINT NOT NULL DEFAULT 1
);

CREATE INDEX users_departed ON users (id) WHERE username IS NULL;

CREATE TABLE username_shapes (
  shape TEXT PRIMARY KEY,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX username_shapes_by_user ON username_shapes (user_id);

CREATE TABLE sessions (
  id TEXT COLLATE "C" PRIMARY KEY,
  user_id TEXT COLLATE "C" NOT NULL,
  era BIGINT NOT NULL DEFAULT 1,
  kind TEXT NOT NULL CHECK (kind IN ('browser', 'program')),
  key_thumbprint TEXT,
  device_key TEXT,
  device_session TEXT,
  generation BIGINT NOT NULL CHECK (generation >= 1),
  rotated_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  previous_confirmed_at BIGINT,
  created_at BIGINT NOT NULL,
  authenticated_at BIGINT NOT NULL DEFAULT 0,
  amr TEXT NOT NULL DEFAULT 'pwd',
  seen_at BIGINT NOT NULL,
  idle_ends_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  ended_at BIGINT,
  end_reason TEXT,
  ended_user_agent TEXT,
  ended_ip TEXT,
  user_agent TEXT NOT NULL,
  ip TEXT NOT NULL,
  CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  CHECK (idle_ends_at <= ends_at)
);

CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_live ON sessions (user_id, era, seen_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (idle_ends_at);

CREATE TABLE ended_eras (
  user_id TEXT COLLATE "C" NOT NULL,
  era BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  end_reason TEXT NOT NULL,
  ended_user_agent TEXT,
  ended_ip TEXT,
  PRIMARY KEY (user_id, era)
);

CREATE INDEX ended_eras_by_age ON ended_eras (ended_at);

-- Every process hears, with the commit, of what takes back what was true of a session or a user (src/db/news.ts), whoever
-- wrote it: a session that only goes on is as good to them as it was. Ending an era changes its user.
CREATE FUNCTION tell_session() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('duet', 'touched session ' || old.id); RETURN NULL; END $$;

CREATE FUNCTION tell_user() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('duet', 'touched user ' || old.id); RETURN NULL; END $$;

CREATE TRIGGER sessions_tell AFTER UPDATE ON sessions FOR EACH ROW WHEN (old.ended_at IS DISTINCT FROM new.ended_at OR old.user_id <> new.user_id OR old.key_thumbprint IS DISTINCT FROM new.key_thumbprint OR old.era <> new.era OR new.generation < old.generation OR new.ends_at < old.ends_at OR new.idle_ends_at < old.idle_ends_at) EXECUTE FUNCTION tell_session();

CREATE TRIGGER sessions_tell_gone AFTER DELETE ON sessions FOR EACH ROW WHEN (old.ended_at IS NULL AND old.idle_ends_at > extract(epoch FROM now()) * 1000) EXECUTE FUNCTION tell_session();

CREATE TRIGGER users_tell AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION tell_user();

CREATE TABLE auth_events (
  id TEXT COLLATE "C" PRIMARY KEY,
  user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure')),
  user_agent TEXT NOT NULL,
  ip TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  operator TEXT
);

CREATE INDEX auth_events_by_user ON auth_events (user_id, id);
CREATE INDEX auth_events_by_age ON auth_events (created_at);

CREATE TABLE links (
  id TEXT COLLATE "C" PRIMARY KEY,
  purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('reset', 'invitation', 'verify', 'undo')),
  secret_hash TEXT NOT NULL UNIQUE,
  user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
  email TEXT,
  made_by TEXT NOT NULL,
  maker_id TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  without_factors BIGINT NOT NULL DEFAULT 0,
  used_at BIGINT,
  CHECK ((purpose = 'invitation') = (user_id IS NULL))
);

CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX links_by_maker ON links (maker_id);
CREATE INDEX links_by_purpose ON links (purpose, id);
CREATE INDEX links_by_age ON links (ends_at);

CREATE TABLE factors (
  id TEXT COLLATE "C" PRIMARY KEY,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  last_used_at BIGINT,
  sealed_secret TEXT,
  last_step BIGINT,
  credential_id TEXT COLLATE "C" UNIQUE,
  public_key TEXT,
  counter BIGINT NOT NULL DEFAULT 0,
  transports TEXT NOT NULL DEFAULT '',
  is_synced BIGINT NOT NULL DEFAULT 0,
  is_backed_up BIGINT NOT NULL DEFAULT 0,
  CHECK ((kind = 'totp') = (sealed_secret IS NOT NULL)),
  CHECK ((kind = 'passkey') = (credential_id IS NOT NULL)),
  CHECK ((kind = 'passkey') = (public_key IS NOT NULL))
);

CREATE INDEX factors_by_user ON factors (user_id, id);

CREATE TABLE recovery_codes (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE device_names (
  session_id TEXT COLLATE "C" PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  name TEXT NOT NULL
);

CREATE TABLE challenges (
  id TEXT COLLATE "C" PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'step_up', 'passkey_sign_in', 'passkey_add')),
  user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT,
  generation BIGINT,
  session_kind TEXT NOT NULL,
  key_thumbprint TEXT,
  password_version TEXT NOT NULL,
  amr TEXT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  used_at BIGINT
);

CREATE INDEX challenges_by_user ON challenges (user_id);
CREATE INDEX challenges_by_age ON challenges (ends_at);

CREATE TABLE guests (
  id TEXT COLLATE "C" PRIMARY KEY,
  generation BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  previous_confirmed_at BIGINT,
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  ended_at BIGINT
);

CREATE INDEX guests_by_end ON guests (ends_at);

CREATE TABLE letters (
  id TEXT COLLATE "C" PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
  address TEXT,
  about TEXT,
  created_at BIGINT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL
);

CREATE INDEX letters_by_user ON letters (user_id);
CREATE INDEX letters_by_turn ON letters (next_at);

CREATE TABLE throttles (
  id TEXT PRIMARY KEY,
  full_at BIGINT NOT NULL
);

CREATE INDEX throttles_by_age ON throttles (full_at);

CREATE TABLE proofs (
  key_thumbprint TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  about TEXT NOT NULL,
  good_until BIGINT NOT NULL,
  PRIMARY KEY (key_thumbprint, id)
);

CREATE INDEX proofs_by_age ON proofs (good_until);

CREATE TABLE signing_keys (
  id TEXT COLLATE "C" PRIMARY KEY,
  algorithm TEXT NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_jwk TEXT NOT NULL,
  sealed_keys TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  activated_at BIGINT,
  retired_at BIGINT
);

CREATE UNIQUE INDEX signing_keys_one_signs ON signing_keys (state) WHERE state <> 'retired';

CREATE TABLE conversations (
  number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  owner_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  removed_at BIGINT,
  said BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX conversations_by_owner ON conversations (owner_id);
CREATE INDEX conversations_removed ON conversations (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX conversations_removed_by_owner ON conversations (owner_id, removed_at, id) WHERE removed_at IS NOT NULL;

CREATE TABLE members (
  conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  joined_at BIGINT NOT NULL,
  read_id TEXT COLLATE "C" NOT NULL DEFAULT '',
  active_at BIGINT,
  PRIMARY KEY (conversation_id, user_id)
);

CREATE INDEX members_by_user ON members (user_id, conversation_id);
CREATE INDEX members_by_activity ON members (user_id, active_at, conversation_id);

CREATE TABLE messages (
  number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  part BIGINT NOT NULL,
  author_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE SET NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT,
  removed_at BIGINT
);

CREATE INDEX messages_by_conversation ON messages (conversation_id, id, author_id, removed_at);
CREATE INDEX messages_by_author ON messages (author_id, id);

CREATE TABLE notes (
  id TEXT COLLATE "C" PRIMARY KEY,
  conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('added', 'joined', 'left', 'removed', 'renamed')),
  actor_id TEXT COLLATE "C" NOT NULL,
  subject_id TEXT COLLATE "C",
  title TEXT,
  created_at BIGINT NOT NULL
);

CREATE INDEX notes_by_conversation ON notes (conversation_id, id);
CREATE INDEX notes_by_actor ON notes (actor_id, id);
CREATE INDEX notes_by_subject ON notes (subject_id, id);

CREATE TABLE invites (
  id TEXT COLLATE "C" PRIMARY KEY,
  conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  maker_id TEXT COLLATE "C" NOT NULL,
  uses BIGINT NOT NULL DEFAULT 0,
  uses_max BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);

CREATE INDEX invites_by_conversation ON invites (conversation_id, created_at, id);
CREATE INDEX invites_by_end ON invites (ends_at);
CREATE INDEX invites_by_maker ON invites (maker_id);

CREATE TABLE invite_uses (
  invite_id TEXT COLLATE "C" NOT NULL REFERENCES invites (id) ON DELETE CASCADE,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (invite_id, user_id)
);

CREATE INDEX invite_uses_by_user ON invite_uses (user_id);

CREATE TABLE removals (
  conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (conversation_id, user_id)
);

CREATE INDEX removals_by_user ON removals (user_id);

-- What FTS5 is in SQLite. `id` is its rowid.
CREATE TABLE terms (
  id BIGINT PRIMARY KEY,
  words TSVECTOR NOT NULL
);

CREATE INDEX terms_words ON terms USING GIN (words);

CREATE FUNCTION message_terms_go() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN DELETE FROM terms WHERE id = old.number; RETURN NULL; END $$;

CREATE FUNCTION title_terms_go() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN DELETE FROM terms WHERE id = -old.number; RETURN NULL; END $$;

CREATE TRIGGER message_terms_go AFTER DELETE ON messages FOR EACH ROW EXECUTE FUNCTION message_terms_go();

CREATE TRIGGER title_terms_go AFTER DELETE ON conversations FOR EACH ROW EXECUTE FUNCTION title_terms_go();

CREATE TABLE idempotency_keys (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, idempotency_key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE changes (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  conversation_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  kind TEXT NOT NULL,
  message_id TEXT,
  created_at BIGINT NOT NULL
);

CREATE INDEX changes_by_conversation ON changes (conversation_id, id) WHERE user_id IS NULL;
CREATE INDEX changes_by_user ON changes (user_id, id);
CREATE INDEX changes_by_age ON changes (created_at);

-- Where the list begins, so that there is always a last one.
INSERT INTO changes (conversation_id, kind, created_at) VALUES ('', 'start', 0);

CREATE TABLE forms (
  id TEXT PRIMARY KEY,
  claim TEXT NOT NULL,
  sealed_answer TEXT,
  created_at BIGINT NOT NULL
);

CREATE INDEX forms_by_age ON forms (created_at);

CREATE TABLE moves (
  id TEXT PRIMARY KEY,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  started_at BIGINT NOT NULL,
  finished_at BIGINT
);
