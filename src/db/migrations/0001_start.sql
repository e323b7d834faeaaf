-- Times are epoch milliseconds (UTC), ids are UUIDv7, a statement ends where a line ends in a semicolon.

-- Without a name once the account is deleted: it is gone for everybody, and the row stays until what was theirs is cleared
-- away. `era` counts how often all sessions of a user have been ended. `operator_since` is set of whom /admin is for.
-- Where there is mail, an address counts once `email_verified_at` is set, and a new one waits in `email_pending`. `language` is
-- that of the last sign-in, for letters.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  username TEXT,
  username_key TEXT UNIQUE,
  email TEXT,
  email_key TEXT UNIQUE,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  operator_since INTEGER,
  email_verified_at INTEGER,
  email_pending TEXT,
  language TEXT,
  era INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX users_departed ON users (id) WHERE username IS NULL;

-- What names look like (Unicode UTS 39): no two accounts have one in common.
CREATE TABLE username_shapes (
  shape TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX username_shapes_by_user ON username_shapes (user_id);

-- One row per session, for ever one row, however often it is refreshed. It stays when its user is deleted, to tell
-- its tokens so. How it was started (`kind`) and the key that it is held by decide for ever how its refresh tokens are
-- answered; a browser's key is in its device, with the name by which the browser knows the session; both `confirmed_at` are first uses, of the newest generation and of the one before. `ended_user_agent` and `ended_ip` are the device that ended it, where one did. It is over too when its
-- era has ended. `authenticated_at` is when whoever started it proved who they are, and `amr` by what (RFC 8176), as words.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  era INTEGER NOT NULL DEFAULT 1,
  kind TEXT NOT NULL CHECK (kind IN ('browser', 'program')),
  key_thumbprint TEXT,
  device_key TEXT,
  device_session TEXT,
  generation INTEGER NOT NULL CHECK (generation >= 1),
  rotated_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  previous_confirmed_at INTEGER,
  created_at INTEGER NOT NULL,
  authenticated_at INTEGER NOT NULL DEFAULT 0,
  amr TEXT NOT NULL DEFAULT 'pwd',
  seen_at INTEGER NOT NULL,
  idle_ends_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  ended_at INTEGER,
  end_reason TEXT,
  ended_user_agent TEXT,
  ended_ip TEXT,
  user_agent TEXT NOT NULL,
  ip TEXT NOT NULL,
  CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  CHECK (idle_ends_at <= ends_at)
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_live ON sessions (user_id, era, seen_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (idle_ends_at);

-- All sessions of a user end by one row, however many they are: those of the era that they were started in.
CREATE TABLE ended_eras (
  user_id TEXT NOT NULL,
  era INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  end_reason TEXT NOT NULL,
  ended_user_agent TEXT,
  ended_ip TEXT,
  PRIMARY KEY (user_id, era)
) STRICT;

CREATE INDEX ended_eras_by_age ON ended_eras (ended_at);

-- What happened to an account, for its owner to read. `user_id` is null for a sign-in under a name that nobody has. Where an
-- operator did it, `operator` is what they were called then.
CREATE TABLE auth_events (
  id TEXT PRIMARY KEY,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure')),
  user_agent TEXT NOT NULL,
  ip TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  operator TEXT
) STRICT;

CREATE INDEX auth_events_by_user ON auth_events (user_id, id);
CREATE INDEX auth_events_by_age ON auth_events (created_at);

-- Links, each for one use: to set a new password (of `user_id`), to create an account where registration is closed, to confirm an
-- address (`email`), or to have that one back. An operator makes them, or a letter has them (`made_by` is empty then). Of what stands in the link there is only a hash. `without_factors` is 1 where a new password also takes
-- all second factors away.
CREATE TABLE links (
  id TEXT PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('reset', 'invitation', 'verify', 'undo')),
  secret_hash TEXT NOT NULL UNIQUE,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  email TEXT,
  made_by TEXT NOT NULL,
  maker_id TEXT,
  created_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  without_factors INTEGER NOT NULL DEFAULT 0,
  used_at INTEGER,
  CHECK ((purpose = 'invitation') = (user_id IS NULL))
) STRICT;

CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX links_by_maker ON links (maker_id);
CREATE INDEX links_by_purpose ON links (purpose, id);
CREATE INDEX links_by_age ON links (ends_at);

-- What somebody proves who they are by beside the password. An authenticator has a secret, sealed, and the last time step of which
-- a code was taken; it counts once a first code has confirmed it. A passkey has a public key and the counter of its last use.
CREATE TABLE factors (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  last_used_at INTEGER,
  sealed_secret TEXT,
  last_step INTEGER,
  credential_id TEXT UNIQUE,
  public_key TEXT,
  counter INTEGER NOT NULL DEFAULT 0,
  transports TEXT NOT NULL DEFAULT '',
  is_synced INTEGER NOT NULL DEFAULT 0,
  is_backed_up INTEGER NOT NULL DEFAULT 0,
  CHECK ((kind = 'totp') = (sealed_secret IS NOT NULL)),
  CHECK ((kind = 'passkey') = (credential_id IS NOT NULL)),
  CHECK ((kind = 'passkey') = (public_key IS NOT NULL))
) STRICT;

CREATE INDEX factors_by_user ON factors (user_id, id);

-- Ten at a time, for whoever has lost the rest; hashed under a key that is not in the database.
CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (user_id, code_hash)
) STRICT;

-- What somebody calls one of their devices.
CREATE TABLE device_names (
  session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  name TEXT NOT NULL
) STRICT;

-- What somebody has still to prove: to be signed in, in a session for what asks for it, or that a passkey is theirs. Each is
-- answered once, within minutes and a few tries, and not after another password. `key_thumbprint` is the key of the program that
-- began; `generation` that of the access token which was shown.
CREATE TABLE challenges (
  id TEXT PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'step_up', 'passkey_sign_in', 'passkey_add')),
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT,
  generation INTEGER,
  session_kind TEXT NOT NULL,
  key_thumbprint TEXT,
  password_version TEXT NOT NULL,
  amr TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;

CREATE INDEX challenges_by_user ON challenges (user_id);
CREATE INDEX challenges_by_age ON challenges (ends_at);

-- Sessions of nobody, for an hour, on which the lab is tried without an account.
CREATE TABLE guests (
  id TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  previous_confirmed_at INTEGER,
  created_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

CREATE INDEX guests_by_end ON guests (ends_at);

-- E-mail that is to be sent, and when it is tried next. `address` is where to, as it was when it was written,
-- and `about` what it is for: a link, a security event or, sealed, the name that somebody has typed. What opens a link does not stand
-- in it: that is made when it is sent.
CREATE TABLE letters (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  address TEXT,
  about TEXT,
  created_at INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL
) STRICT;

CREATE INDEX letters_by_user ON letters (user_id);
CREATE INDEX letters_by_turn ON letters (next_at);

-- One row per limit and caller: the time at which all its permits are back. The key is a hash.
CREATE TABLE throttles (
  id TEXT PRIMARY KEY,
  full_at INTEGER NOT NULL
) STRICT;

CREATE INDEX throttles_by_age ON throttles (full_at);

-- Proofs of possession that were used (RFC 9449), hashed, until no process can accept them any more.
CREATE TABLE proofs (
  key_thumbprint TEXT NOT NULL,
  id TEXT NOT NULL,
  about TEXT NOT NULL,
  good_until INTEGER NOT NULL,
  PRIMARY KEY (key_thumbprint, id)
) STRICT;

CREATE INDEX proofs_by_age ON proofs (good_until);

-- At most one key is 'next' and one is 'active'; any number are 'retired'.
CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  algorithm TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_jwk TEXT NOT NULL,
  sealed_keys TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  activated_at INTEGER,
  retired_at INTEGER
) STRICT;

CREATE UNIQUE INDEX signing_keys_one_signs ON signing_keys (state) WHERE state <> 'retired';

-- `said` is how many messages there have been.
CREATE TABLE conversations (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  removed_at INTEGER,
  said INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX conversations_by_owner ON conversations (owner_id);
CREATE INDEX conversations_removed ON conversations (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX conversations_removed_by_owner ON conversations (owner_id, removed_at, id) WHERE removed_at IS NOT NULL;

-- `active_at` is the conversation's `updated_at`, beside each member so that the list of their conversations has an index to
-- go by; null while the conversation is removed.
CREATE TABLE members (
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  joined_at INTEGER NOT NULL,
  read_id TEXT NOT NULL DEFAULT '',
  active_at INTEGER,
  PRIMARY KEY (conversation_id, user_id)
) STRICT;

CREATE INDEX members_by_user ON members (user_id, conversation_id);
CREATE INDEX members_by_activity ON members (user_id, active_at, conversation_id);

-- `read_id` of a member is the last message that they have read. A message that was taken back stays as an empty place.
-- `part` counts parts of its conversation, of some thousands of messages each: one is searched at a time.
CREATE TABLE messages (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  author_id TEXT REFERENCES users (id) ON DELETE SET NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  edited_at INTEGER,
  removed_at INTEGER
) STRICT;

-- With what counting the unread ones asks for.
CREATE INDEX messages_by_conversation ON messages (conversation_id, id, author_id, removed_at);
CREATE INDEX messages_by_author ON messages (author_id, id);

-- What happened to a conversation, to stand between its messages. Whoever is named may be gone since.
CREATE TABLE notes (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('added', 'joined', 'left', 'removed', 'renamed')),
  actor_id TEXT NOT NULL,
  subject_id TEXT,
  title TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX notes_by_conversation ON notes (conversation_id, id);
CREATE INDEX notes_by_actor ON notes (actor_id, id);
CREATE INDEX notes_by_subject ON notes (subject_id, id);

-- Links by which a conversation is joined; `id` is a hash of what stands in one. Good for so many, until then, and for as long as its
-- maker may invite.
CREATE TABLE invites (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  maker_id TEXT NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0,
  uses_max INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX invites_by_conversation ON invites (conversation_id, created_at, id);
CREATE INDEX invites_by_end ON invites (ends_at);
CREATE INDEX invites_by_maker ON invites (maker_id);

-- Who has joined by a link, and counts once for it.
CREATE TABLE invite_uses (
  invite_id TEXT NOT NULL REFERENCES invites (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (invite_id, user_id)
) STRICT;

CREATE INDEX invite_uses_by_user ON invite_uses (user_id);

-- Whom an owner has removed, and not added again: no link lets them in.
CREATE TABLE removals (
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (conversation_id, user_id)
) STRICT;

CREATE INDEX removals_by_user ON removals (user_id);

-- The words of messages by their number, and of titles by their conversation's number below zero, for search; of the text
-- itself it keeps no copy. They come folded: no mark is taken off here, and marks (vowels) and signs (emoji) are parts of
-- words. Each begins with a mark of its conversation and of a part of it (core/chat/terms.ts), so that what is looked for in
-- one is not looked for among everybody's.
CREATE VIRTUAL TABLE terms USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0 categories ''L* N* Co M* So''');

CREATE TRIGGER message_terms_go AFTER DELETE ON messages BEGIN DELETE FROM terms WHERE rowid = old.number; END;

CREATE TRIGGER title_terms_go AFTER DELETE ON conversations BEGIN DELETE FROM terms WHERE rowid = -old.number; END;

CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, idempotency_key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What event streams tell, in the order of its commits. For one user where `user_id` is set, else for all members.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id TEXT NOT NULL,
  user_id TEXT,
  kind TEXT NOT NULL,
  message_id TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX changes_by_conversation ON changes (conversation_id, id) WHERE user_id IS NULL;
CREATE INDEX changes_by_user ON changes (user_id, id);
CREATE INDEX changes_by_age ON changes (created_at);

-- Where the list begins, so that there is always a last one.
INSERT INTO changes (conversation_id, kind, created_at) VALUES ('', 'start', 0);

-- Forms that are being done, or were a moment ago, where several processes may get the same one. Both are made from what was
-- sent: by the hash it is found, and without knowing what was sent nobody opens the answer.
CREATE TABLE forms (
  id TEXT PRIMARY KEY,
  claim TEXT NOT NULL,
  sealed_answer TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX forms_by_age ON forms (created_at);

-- What was brought here from another database, or was taken away to one: nobody starts on half of the one, or goes on with
-- the other.
CREATE TABLE moves (
  id TEXT PRIMARY KEY,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  started_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
