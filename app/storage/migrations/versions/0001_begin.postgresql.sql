CREATE TABLE founding (
	id INTEGER NOT NULL,
	digest VARCHAR(64) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	held_on DATE NOT NULL,
	witnesses JSON NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_founding PRIMARY KEY (id),
	CONSTRAINT ck_founding_happens_once CHECK (id = 1)
)
;

CREATE TABLE position (
	id VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	name VARCHAR(100) NOT NULL,
	notes TEXT NOT NULL,
	approved_by VARCHAR(100) NOT NULL,
	approved_on DATE NOT NULL,
	approval_reference VARCHAR(100) NOT NULL,
	status VARCHAR(10) NOT NULL,
	created_by VARCHAR(40) NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	version INTEGER DEFAULT 1 NOT NULL,
	CONSTRAINT pk_position PRIMARY KEY (id),
	CONSTRAINT ck_position_status_is_known CHECK (status IN ('open', 'closed')),
	CONSTRAINT ck_position_is_approved CHECK (approved_by <> '' AND approval_reference <> '')
)
;

CREATE INDEX ix_position_organisation_code ON position (organisation_code)
;

CREATE UNIQUE INDEX uq_position_open_name ON position (organisation_code, name) WHERE status = 'open'
;

CREATE TABLE audit_event (
	seq BIGINT NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	event VARCHAR(60) NOT NULL,
	outcome VARCHAR(10) NOT NULL,
	reason VARCHAR(60) NOT NULL,
	actor_uid VARCHAR(40) NOT NULL,
	actor_role_profile VARCHAR(12),
	actor_address VARCHAR(45) NOT NULL,
	request_id VARCHAR(64) NOT NULL,
	subject VARCHAR(200) NOT NULL,
	details JSON NOT NULL,
	previous_hash VARCHAR(64) NOT NULL,
	hash VARCHAR(64) NOT NULL,
	CONSTRAINT pk_audit_event PRIMARY KEY (seq),
	CONSTRAINT ck_audit_event_seq_is_positive CHECK (seq > 0),
	CONSTRAINT ck_audit_event_outcome_is_known CHECK (outcome IN ('allowed', 'refused')),
	CONSTRAINT ck_audit_event_refusal_has_a_reason CHECK ((outcome = 'refused') = (reason <> '')),
	CONSTRAINT uq_audit_event_previous_hash UNIQUE (previous_hash),
	CONSTRAINT uq_audit_event_hash UNIQUE (hash)
)
;

CREATE INDEX ix_audit_event_actor_uid ON audit_event (actor_uid)
;

CREATE INDEX ix_audit_event_event ON audit_event (event)
;

CREATE INDEX ix_audit_event_subject ON audit_event (subject)
;

CREATE FUNCTION audit_event_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_event only grows'; END $$
;

CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_only_grows()
;

CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_only_grows()
;

CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_only_grows()
;

CREATE TABLE audit_seal (
	seq BIGINT NOT NULL,
	hash VARCHAR(64) NOT NULL,
	sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	key_id VARCHAR(64) NOT NULL,
	signature BYTEA NOT NULL,
	CONSTRAINT pk_audit_seal PRIMARY KEY (seq)
)
;

CREATE FUNCTION audit_seal_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_seal only grows'; END $$
;

CREATE TRIGGER audit_seal_no_update BEFORE UPDATE ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION audit_seal_only_grows()
;

CREATE TRIGGER audit_seal_no_delete BEFORE DELETE ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION audit_seal_only_grows()
;

CREATE TRIGGER audit_seal_no_truncate BEFORE TRUNCATE ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION audit_seal_only_grows()
;

CREATE TABLE comparison (
	ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
	compared INTEGER NOT NULL,
	mended INTEGER NOT NULL,
	strangers INTEGER NOT NULL,
	named JSON NOT NULL,
	CONSTRAINT pk_comparison PRIMARY KEY (ended_at)
)
;

CREATE TABLE migration (
	id INTEGER NOT NULL,
	source VARCHAR(200) NOT NULL,
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	followed_to BIGINT,
	cut_over_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_migration PRIMARY KEY (id),
	CONSTRAINT ck_migration_happens_once CHECK (id = 1)
)
;

CREATE TABLE migrated_record (
	kind VARCHAR(20) NOT NULL,
	id VARCHAR(64) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	CONSTRAINT pk_migrated_record PRIMARY KEY (kind, id)
)
;

CREATE TABLE migration_finding (
	id SERIAL NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	source VARCHAR(200) NOT NULL,
	place BIGINT NOT NULL,
	dn TEXT NOT NULL,
	kind VARCHAR(10) NOT NULL,
	reason TEXT NOT NULL,
	CONSTRAINT pk_migration_finding PRIMARY KEY (id),
	CONSTRAINT ck_migration_finding_kind_is_known CHECK (kind IN ('refused', 'reduced'))
)
;

CREATE INDEX ix_migration_finding_reason ON migration_finding (kind, dn)
;

CREATE TABLE oidc_assertion_jti (
	jti_hash VARCHAR(64) NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_oidc_assertion_jti PRIMARY KEY (jti_hash)
)
;

CREATE INDEX ix_oidc_assertion_jti_expires_at ON oidc_assertion_jti (expires_at)
;

CREATE TABLE organisation_load (
	id VARCHAR(36) NOT NULL,
	file_name VARCHAR(200) NOT NULL,
	kind VARCHAR(10) NOT NULL,
	report VARCHAR(20) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	size BIGINT NOT NULL,
	status VARCHAR(10) NOT NULL,
	uploaded_by VARCHAR(40) NOT NULL,
	uploaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
	read_at TIMESTAMP WITH TIME ZONE,
	applied_by VARCHAR(40),
	applied_role_profile VARCHAR(12),
	applied_at TIMESTAMP WITH TIME ZONE,
	finished_at TIMESTAMP WITH TIME ZONE,
	done BIGINT DEFAULT 0 NOT NULL,
	total BIGINT DEFAULT 0 NOT NULL,
	message TEXT DEFAULT '' NOT NULL,
	announces BOOLEAN NOT NULL,
	findings JSON NOT NULL,
	CONSTRAINT pk_organisation_load PRIMARY KEY (id),
	CONSTRAINT ck_organisation_load_kind_is_known CHECK (kind IN ('full', 'delta')),
	CONSTRAINT ck_organisation_load_status_is_known CHECK (status IN ('arriving', 'waiting', 'reading', 'previewed', 'applying', 'applied', 'discarded', 'failed')),
	CONSTRAINT ck_organisation_load_somebody_applied_it CHECK (status NOT IN ('applying', 'applied') OR applied_by IS NOT NULL)
)
;

CREATE INDEX ix_organisation_load_status ON organisation_load (status)
;

CREATE TABLE organisation (
	code VARCHAR(12) NOT NULL,
	name VARCHAR(200) NOT NULL,
	kind VARCHAR(60) NOT NULL,
	kind_code VARCHAR(10) NOT NULL,
	status VARCHAR(10) NOT NULL,
	address JSON NOT NULL,
	postcode VARCHAR(10) NOT NULL,
	telephone VARCHAR(40) NOT NULL,
	opened_on DATE,
	closed_on DATE,
	parent_code VARCHAR(12),
	successor_code VARCHAR(12),
	joined_on DATE,
	left_on DATE,
	national_grouping VARCHAR(12) NOT NULL,
	health_geography VARCHAR(12) NOT NULL,
	sub_type VARCHAR(10) NOT NULL,
	source VARCHAR(20) NOT NULL,
	is_site BOOLEAN DEFAULT false NOT NULL,
	role_codes JSON DEFAULT '[]' NOT NULL,
	uprn VARCHAR(12) DEFAULT '' NOT NULL,
	legal_from DATE,
	legal_until DATE,
	search_text TEXT NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_organisation PRIMARY KEY (code),
	CONSTRAINT ck_organisation_status_is_known CHECK (status IN ('active', 'closed', 'dormant', 'proposed'))
)
;

CREATE INDEX ix_organisation_parent_code ON organisation (parent_code)
;

CREATE INDEX ix_organisation_updated_at ON organisation (updated_at)
;

CREATE TABLE organisation_membership (
	organisation_code VARCHAR(12) NOT NULL,
	parent_code VARCHAR(12) NOT NULL,
	kind VARCHAR(10) NOT NULL,
	joined_on DATE NOT NULL,
	left_on DATE,
	CONSTRAINT pk_organisation_membership PRIMARY KEY (organisation_code, parent_code, kind, joined_on),
	CONSTRAINT ck_organisation_membership_left_after_joining CHECK (left_on IS NULL OR left_on >= joined_on)
)
;

CREATE INDEX ix_organisation_membership_parent ON organisation_membership (parent_code)
;

CREATE TABLE outbox (
	id BIGSERIAL NOT NULL,
	topic VARCHAR(40) NOT NULL,
	key VARCHAR(200) NOT NULL,
	payload JSON NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	published_at TIMESTAMP WITH TIME ZONE,
	attempts INTEGER DEFAULT 0 NOT NULL,
	next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
	last_error TEXT,
	CONSTRAINT pk_outbox PRIMARY KEY (id)
)
;

CREATE INDEX ix_outbox_key ON outbox (topic, key, published_at)
;

CREATE INDEX ix_outbox_oldest ON outbox (topic, id) WHERE published_at IS NULL
;

CREATE INDEX ix_outbox_waiting ON outbox (topic, key, id) WHERE published_at IS NULL
;

CREATE TABLE sweep (
	name VARCHAR(40) NOT NULL,
	through DATE NOT NULL,
	CONSTRAINT pk_sweep PRIMARY KEY (name)
)
;

CREATE TABLE person (
	uid VARCHAR(12) NOT NULL,
	title VARCHAR(35) NOT NULL,
	given_name VARCHAR(100) NOT NULL,
	middle_names VARCHAR(100) NOT NULL,
	family_name VARCHAR(100) NOT NULL,
	card_name VARCHAR(100) NOT NULL,
	given_name_key VARCHAR(100) NOT NULL,
	family_name_key VARCHAR(100) NOT NULL,
	date_of_birth DATE,
	email VARCHAR(254) NOT NULL,
	mobile VARCHAR(20) NOT NULL,
	status VARCHAR(10) NOT NULL,
	photo BYTEA NOT NULL,
	registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	registered_by VARCHAR(40) NOT NULL,
	assurance VARCHAR(10) DEFAULT 'evidence' NOT NULL,
	version INTEGER DEFAULT 1 NOT NULL,
	CONSTRAINT pk_person PRIMARY KEY (uid),
	CONSTRAINT ck_person_uid_has_12_digits CHECK (length(uid) = 12),
	CONSTRAINT ck_person_status_is_known CHECK (status IN ('active', 'closed')),
	CONSTRAINT ck_person_registered_by_another CHECK (registered_by <> uid),
	CONSTRAINT ck_person_assurance_is_known CHECK (assurance IN ('evidence', 'migrated')),
	CONSTRAINT ck_person_has_date_of_birth CHECK (assurance = 'migrated' OR date_of_birth IS NOT NULL)
)
;

CREATE INDEX ix_person_date_of_birth ON person (date_of_birth)
;

CREATE INDEX ix_person_email ON person (email)
;

CREATE INDEX ix_person_names ON person (family_name_key, given_name_key)
;

CREATE TABLE rate_limit (
	name VARCHAR(60) NOT NULL,
	key VARCHAR(200) NOT NULL,
	window_ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	tries INTEGER NOT NULL,
	CONSTRAINT pk_rate_limit PRIMARY KEY (name, key)
)
;

CREATE TABLE rbac_version (
	id SERIAL NOT NULL,
	name VARCHAR(60) NOT NULL,
	effective_from DATE NOT NULL,
	digest VARCHAR(64) NOT NULL,
	imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_rbac_version PRIMARY KEY (id),
	CONSTRAINT uq_rbac_version_effective_from UNIQUE (effective_from)
)
;

CREATE TABLE import_run (
	id SERIAL NOT NULL,
	kind VARCHAR(20) NOT NULL,
	source VARCHAR(200) NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	added INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	unchanged INTEGER NOT NULL,
	refused INTEGER NOT NULL,
	CONSTRAINT pk_import_run PRIMARY KEY (id),
	CONSTRAINT ck_import_run_kind_is_known CHECK (kind IN ('organisations', 'rbac'))
)
;

CREATE TABLE sample (
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	figures JSON NOT NULL,
	audit_seq BIGINT NOT NULL,
	CONSTRAINT pk_sample PRIMARY KEY (at)
)
;

CREATE TABLE sequence (
	name VARCHAR(40) NOT NULL,
	next_value BIGINT NOT NULL,
	CONSTRAINT pk_sequence PRIMARY KEY (name),
	CONSTRAINT ck_sequence_next_value_after_first CHECK (next_value > 1)
)
;

CREATE TABLE sign_in_challenge (
	nonce_sha256 VARCHAR(64) NOT NULL,
	nonce_sha384 VARCHAR(96) NOT NULL,
	session_key_hash VARCHAR(64) NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_sign_in_challenge PRIMARY KEY (nonce_sha256)
)
;

CREATE INDEX ix_sign_in_challenge_expires_at ON sign_in_challenge (expires_at)
;

CREATE INDEX ix_sign_in_challenge_session_key_hash ON sign_in_challenge (session_key_hash)
;

CREATE TABLE stock_posting (
	id SERIAL NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	kind VARCHAR(12) NOT NULL,
	by_uid VARCHAR(40) NOT NULL,
	role_profile VARCHAR(12),
	note TEXT DEFAULT '' NOT NULL,
	reference VARCHAR(36),
	CONSTRAINT pk_stock_posting PRIMARY KEY (id),
	CONSTRAINT ck_stock_posting_kind_is_known CHECK (kind IN ('delivered', 'unexpected', 'moved', 'followed', 'written_off', 'found', 'taken_in'))
)
;

CREATE FUNCTION stock_posting_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stock_posting only grows'; END $$
;

CREATE TRIGGER stock_posting_no_update BEFORE UPDATE ON stock_posting FOR EACH STATEMENT EXECUTE FUNCTION stock_posting_only_grows()
;

CREATE TRIGGER stock_posting_no_delete BEFORE DELETE ON stock_posting FOR EACH STATEMENT EXECUTE FUNCTION stock_posting_only_grows()
;

CREATE TRIGGER stock_posting_no_truncate BEFORE TRUNCATE ON stock_posting FOR EACH STATEMENT EXECUTE FUNCTION stock_posting_only_grows()
;

CREATE TABLE workstation_report (
	reference VARCHAR(9) NOT NULL,
	received_at TIMESTAMP WITH TIME ZONE NOT NULL,
	address VARCHAR(45) NOT NULL,
	agent_version VARCHAR(40) NOT NULL,
	findings JSON NOT NULL,
	cards JSON NOT NULL,
	CONSTRAINT pk_workstation_report PRIMARY KEY (reference)
)
;

CREATE INDEX ix_workstation_report_received_at ON workstation_report (received_at)
;

CREATE TABLE position_access_profile (
	id SERIAL NOT NULL,
	position_id VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	job_role_code VARCHAR(20) NOT NULL,
	activity_codes JSON NOT NULL,
	workgroups JSON NOT NULL,
	CONSTRAINT pk_position_access_profile PRIMARY KEY (id),
	CONSTRAINT fk_position_access_profile_position_id FOREIGN KEY(position_id) REFERENCES position (id)
)
;

CREATE INDEX ix_position_access_profile_position_id ON position_access_profile (position_id)
;

CREATE TABLE access_request (
	id VARCHAR(36) NOT NULL,
	subject_uid VARCHAR(12) NOT NULL,
	position_id VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	starts_on DATE NOT NULL,
	ends_on DATE,
	reason TEXT NOT NULL,
	status VARCHAR(10) NOT NULL,
	requested_by VARCHAR(40) NOT NULL,
	requested_role_profile VARCHAR(12),
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
	taken_by VARCHAR(40),
	taken_until TIMESTAMP WITH TIME ZONE,
	decided_by VARCHAR(40),
	decided_role_profile VARCHAR(12),
	decided_at TIMESTAMP WITH TIME ZONE,
	decision_note TEXT,
	CONSTRAINT pk_access_request PRIMARY KEY (id),
	CONSTRAINT uq_access_request_outcome UNIQUE (id, subject_uid, status),
	CONSTRAINT ck_access_request_status_is_known CHECK (status IN ('open', 'granted', 'rejected')),
	CONSTRAINT ck_access_request_requested_by_another CHECK (requested_by <> subject_uid),
	CONSTRAINT ck_access_request_decided_by_another_than_asked CHECK (decided_by <> requested_by),
	CONSTRAINT ck_access_request_decided_by_another_than_subject CHECK (decided_by <> subject_uid),
	CONSTRAINT ck_access_request_decision_has_a_decider CHECK ((status = 'open') = (decided_by IS NULL) AND (status = 'open') = (decided_at IS NULL)),
	CONSTRAINT ck_access_request_ends_after_start CHECK (ends_on IS NULL OR ends_on >= starts_on),
	CONSTRAINT fk_access_request_subject_uid FOREIGN KEY(subject_uid) REFERENCES person (uid),
	CONSTRAINT fk_access_request_position_id FOREIGN KEY(position_id) REFERENCES position (id)
)
;

CREATE INDEX ix_access_request_organisation_code ON access_request (organisation_code)
;

CREATE INDEX ix_access_request_requested_by ON access_request (requested_by)
;

CREATE INDEX ix_access_request_status ON access_request (status)
;

CREATE INDEX ix_access_request_subject_uid ON access_request (subject_uid)
;

CREATE UNIQUE INDEX uq_access_request_open ON access_request (subject_uid, position_id) WHERE status = 'open'
;

CREATE TABLE organisation_person (
	id VARCHAR(12) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	opened_on DATE NOT NULL,
	closed_on DATE,
	CONSTRAINT pk_organisation_person PRIMARY KEY (id),
	CONSTRAINT uq_organisation_person_uid UNIQUE (uid, organisation_code),
	CONSTRAINT uq_organisation_person_whole UNIQUE (id, uid, organisation_code),
	CONSTRAINT fk_organisation_person_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE INDEX ix_organisation_person_organisation_code ON organisation_person (organisation_code)
;

CREATE TABLE card_batch (
	id VARCHAR(36) NOT NULL,
	title VARCHAR(100) NOT NULL,
	operator_uid VARCHAR(12) NOT NULL,
	operator_role_profile VARCHAR(12),
	usable_from DATE,
	left_out JSON NOT NULL,
	holders_present BOOLEAN DEFAULT false NOT NULL,
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	steps JSON NOT NULL,
	ticket_hash VARCHAR(64),
	ticket_expires_at TIMESTAMP WITH TIME ZONE,
	job_token_hash VARCHAR(64),
	job_token_expires_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_card_batch PRIMARY KEY (id),
	CONSTRAINT ck_card_batch_later_is_locked CHECK (usable_from IS NULL OR NOT holders_present),
	CONSTRAINT fk_card_batch_operator_uid FOREIGN KEY(operator_uid) REFERENCES person (uid),
	CONSTRAINT uq_card_batch_ticket_hash UNIQUE (ticket_hash),
	CONSTRAINT uq_card_batch_job_token_hash UNIQUE (job_token_hash)
)
;

CREATE INDEX ix_card_batch_operator_uid ON card_batch (operator_uid)
;

CREATE TABLE card (
	serial VARCHAR(40) NOT NULL,
	card_profile VARCHAR(40) NOT NULL,
	holder_uid VARCHAR(12),
	status VARCHAR(20) NOT NULL,
	registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	activated_at TIMESTAMP WITH TIME ZONE,
	ended_at TIMESTAMP WITH TIME ZONE,
	ended_reason TEXT,
	is_temporary BOOLEAN DEFAULT false NOT NULL,
	usable_from DATE,
	replace_for VARCHAR(20),
	version INTEGER DEFAULT 1 NOT NULL,
	CONSTRAINT pk_card PRIMARY KEY (serial),
	CONSTRAINT ck_card_status_is_known CHECK (status IN ('stock', 'assigned', 'personalised', 'active', 'locked', 'suspended', 'expiring', 'expired', 'cancelled', 'recycled', 'destroyed', 'lost', 'stolen', 'damaged', 'faulty')),
	CONSTRAINT ck_card_in_use_has_a_holder CHECK (holder_uid IS NOT NULL OR status IN ('stock', 'recycled', 'destroyed', 'damaged', 'faulty')),
	CONSTRAINT fk_card_holder_uid FOREIGN KEY(holder_uid) REFERENCES person (uid)
)
;

CREATE INDEX ix_card_holder_uid ON card (holder_uid)
;

CREATE UNIQUE INDEX uq_card_live_holder ON card (holder_uid, is_temporary) WHERE status IN ('active', 'locked', 'suspended', 'expiring')
;

CREATE FUNCTION card_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.status || '>' || NEW.status NOT IN ('stock>assigned', 'recycled>assigned', 'assigned>personalised', 'personalised>active', 'personalised>locked', 'assigned>cancelled', 'personalised>cancelled', 'active>locked', 'expiring>locked', 'locked>active', 'expiring>active', 'expired>active', 'expired>recycled', 'cancelled>recycled', 'active>expiring', 'active>expired', 'locked>expired', 'suspended>expired', 'expiring>expired', 'active>suspended', 'expiring>suspended', 'suspended>active', 'active>lost', 'locked>lost', 'suspended>lost', 'expiring>lost', 'expired>lost', 'active>stolen', 'locked>stolen', 'suspended>stolen', 'expiring>stolen', 'expired>stolen', 'stock>damaged', 'active>damaged', 'locked>damaged', 'suspended>damaged', 'expiring>damaged', 'expired>damaged', 'recycled>damaged', 'stock>faulty', 'active>faulty', 'locked>faulty', 'suspended>faulty', 'expiring>faulty', 'expired>faulty', 'recycled>faulty', 'active>cancelled', 'locked>cancelled', 'suspended>cancelled', 'expiring>cancelled', 'expired>cancelled', 'stock>destroyed', 'expired>destroyed', 'cancelled>destroyed', 'recycled>destroyed', 'lost>destroyed', 'stolen>destroyed', 'damaged>destroyed', 'faulty>destroyed') THEN RAISE EXCEPTION 'a card cannot go that way' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$
;

CREATE TRIGGER card_moves_legally BEFORE UPDATE OF status ON card FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION card_moves_legally()
;

CREATE TABLE offline_workstation (
	id VARCHAR(10) NOT NULL,
	name VARCHAR(100) NOT NULL,
	registered_by VARCHAR(12) NOT NULL,
	registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ticket_hash VARCHAR(64),
	wrapped_key BYTEA,
	retired_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_offline_workstation PRIMARY KEY (id),
	CONSTRAINT ck_offline_workstation_invitation_is_used_once CHECK (ticket_hash IS NULL OR wrapped_key IS NULL),
	CONSTRAINT fk_offline_workstation_registered_by FOREIGN KEY(registered_by) REFERENCES person (uid),
	CONSTRAINT uq_offline_workstation_ticket_hash UNIQUE (ticket_hash)
)
;

CREATE TABLE organisation_load_part (
	load_id VARCHAR(36) NOT NULL,
	number INTEGER NOT NULL,
	content BYTEA NOT NULL,
	CONSTRAINT pk_organisation_load_part PRIMARY KEY (load_id, number),
	CONSTRAINT fk_organisation_load_part_load_id FOREIGN KEY(load_id) REFERENCES organisation_load (id)
)
;

CREATE TABLE organisation_load_record (
	load_id VARCHAR(36) NOT NULL,
	code VARCHAR(12) NOT NULL,
	parent_code VARCHAR(12),
	CONSTRAINT pk_organisation_load_record PRIMARY KEY (load_id, code),
	CONSTRAINT fk_organisation_load_record_load_id FOREIGN KEY(load_id) REFERENCES organisation_load (id)
)
;

CREATE INDEX ix_organisation_load_record_parent ON organisation_load_record (load_id, parent_code)
;

CREATE TABLE organisation_load_succession (
	load_id VARCHAR(36) NOT NULL,
	predecessor_code VARCHAR(12) NOT NULL,
	successor_code VARCHAR(12) NOT NULL,
	happened_on DATE NOT NULL,
	CONSTRAINT pk_organisation_load_succession PRIMARY KEY (load_id, predecessor_code, successor_code, happened_on),
	CONSTRAINT fk_organisation_load_succession_load_id FOREIGN KEY(load_id) REFERENCES organisation_load (id)
)
;

CREATE TABLE organisation_load_change (
	load_id VARCHAR(36) NOT NULL,
	code VARCHAR(12) NOT NULL,
	change VARCHAR(10) NOT NULL,
	before JSON,
	after JSON,
	memberships JSON,
	outcome VARCHAR(10),
	CONSTRAINT pk_organisation_load_change PRIMARY KEY (load_id, code),
	CONSTRAINT ck_organisation_load_change_change_is_known CHECK (change IN ('new', 'changed', 'closed', 'reopened', 'missing')),
	CONSTRAINT ck_organisation_load_change_outcome_is_known CHECK (outcome IN ('applied', 'stale')),
	CONSTRAINT fk_organisation_load_change_load_id FOREIGN KEY(load_id) REFERENCES organisation_load (id)
)
;

CREATE INDEX ix_organisation_load_change_kind ON organisation_load_change (load_id, change, code)
;

CREATE INDEX ix_organisation_load_change_outcome ON organisation_load_change (load_id, outcome, code)
;

CREATE TABLE organisation_closing (
	id VARCHAR(36) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	closes_on DATE NOT NULL,
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
	status VARCHAR(10) NOT NULL,
	not_before DATE,
	decided_by VARCHAR(40),
	decided_role_profile VARCHAR(12),
	decided_at TIMESTAMP WITH TIME ZONE,
	note TEXT DEFAULT '' NOT NULL,
	successor_code VARCHAR(12),
	CONSTRAINT pk_organisation_closing PRIMARY KEY (id),
	CONSTRAINT ck_organisation_closing_status_is_known CHECK (status IN ('open', 'ended', 'handed_on', 'reopened')),
	CONSTRAINT ck_organisation_closing_somebody_decided CHECK (status NOT IN ('ended', 'handed_on') OR decided_by IS NOT NULL),
	CONSTRAINT fk_organisation_closing_organisation_code FOREIGN KEY(organisation_code) REFERENCES organisation (code)
)
;

CREATE UNIQUE INDEX uq_organisation_closing_open ON organisation_closing (organisation_code) WHERE status = 'open'
;

CREATE TABLE identity_evidence (
	id SERIAL NOT NULL,
	uid VARCHAR(12) NOT NULL,
	kind VARCHAR(40) NOT NULL,
	number VARCHAR(40) NOT NULL,
	issued_on DATE,
	expires_on DATE,
	checked_by VARCHAR(40) NOT NULL,
	checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_identity_evidence PRIMARY KEY (id),
	CONSTRAINT ck_identity_evidence_checked_by_another CHECK (checked_by <> uid),
	CONSTRAINT fk_identity_evidence_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE INDEX ix_identity_evidence_uid ON identity_evidence (uid)
;

CREATE UNIQUE INDEX uq_identity_evidence_document ON identity_evidence (kind, number) WHERE kind IN ('uk_passport', 'other_passport', 'uk_driving_licence', 'national_identity_card', 'national_insurance_letter')
;

CREATE TABLE professional_registration (
	uid VARCHAR(12) NOT NULL,
	body VARCHAR(20) NOT NULL,
	number VARCHAR(20) NOT NULL,
	CONSTRAINT pk_professional_registration PRIMARY KEY (uid, body),
	CONSTRAINT uq_professional_registration_body UNIQUE (body, number),
	CONSTRAINT fk_professional_registration_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE TABLE job_role (
	version_id INTEGER NOT NULL,
	code VARCHAR(20) NOT NULL,
	name TEXT NOT NULL,
	status TEXT NOT NULL,
	staff_group TEXT NOT NULL,
	three_part_code VARCHAR(40) NOT NULL,
	three_part_name TEXT NOT NULL,
	CONSTRAINT pk_job_role PRIMARY KEY (version_id, code),
	CONSTRAINT fk_job_role_version_id FOREIGN KEY(version_id) REFERENCES rbac_version (id)
)
;

CREATE TABLE activity (
	version_id INTEGER NOT NULL,
	code VARCHAR(20) NOT NULL,
	public_name TEXT NOT NULL,
	used_for TEXT NOT NULL,
	confidence TEXT NOT NULL,
	CONSTRAINT pk_activity PRIMARY KEY (version_id, code),
	CONSTRAINT fk_activity_version_id FOREIGN KEY(version_id) REFERENCES rbac_version (id)
)
;

CREATE TABLE area_of_work (
	version_id INTEGER NOT NULL,
	code VARCHAR(40) NOT NULL,
	name TEXT NOT NULL,
	CONSTRAINT pk_area_of_work PRIMARY KEY (version_id, code),
	CONSTRAINT fk_area_of_work_version_id FOREIGN KEY(version_id) REFERENCES rbac_version (id)
)
;

CREATE TABLE import_refusal (
	id SERIAL NOT NULL,
	run_id INTEGER NOT NULL,
	file VARCHAR(60) NOT NULL,
	line INTEGER NOT NULL,
	row TEXT NOT NULL,
	reason TEXT NOT NULL,
	CONSTRAINT pk_import_refusal PRIMARY KEY (id),
	CONSTRAINT fk_import_refusal_run_id FOREIGN KEY(run_id) REFERENCES import_run (id)
)
;

CREATE INDEX ix_import_refusal_run_id ON import_refusal (run_id)
;

CREATE TABLE web_session (
	id VARCHAR(32) NOT NULL,
	key_hash VARCHAR(64) NOT NULL,
	data JSON NOT NULL,
	uid VARCHAR(12),
	card_serial VARCHAR(40),
	role_profile_id VARCHAR(12),
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
	signed_in_at TIMESTAMP WITH TIME ZONE,
	terms_accepted_at TIMESTAMP WITH TIME ZONE,
	role_chosen_at TIMESTAMP WITH TIME ZONE,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	ended_reason VARCHAR(40),
	CONSTRAINT pk_web_session PRIMARY KEY (id),
	CONSTRAINT ck_web_session_signed_in_has_a_time CHECK ((uid IS NULL) = (signed_in_at IS NULL)),
	CONSTRAINT ck_web_session_ended_has_a_reason CHECK ((ended_at IS NULL) = (ended_reason IS NULL)),
	CONSTRAINT ck_web_session_role_was_chosen CHECK (role_profile_id IS NULL OR role_chosen_at IS NOT NULL),
	CONSTRAINT uq_web_session_key_hash UNIQUE (key_hash),
	CONSTRAINT fk_web_session_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE INDEX ix_web_session_expires_at ON web_session (expires_at)
;

CREATE INDEX ix_web_session_live_uid ON web_session (uid) WHERE ended_at IS NULL
;

CREATE TABLE terms_acceptance (
	uid VARCHAR(12) NOT NULL,
	version VARCHAR(20) NOT NULL,
	accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_terms_acceptance PRIMARY KEY (uid, version),
	CONSTRAINT fk_terms_acceptance_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE TABLE role_choice (
	uid VARCHAR(12) NOT NULL,
	role_profile_id VARCHAR(12) NOT NULL,
	chosen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_role_choice PRIMARY KEY (uid),
	CONSTRAINT fk_role_choice_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE TABLE stock_place (
	id VARCHAR(36) NOT NULL,
	kind VARCHAR(12) NOT NULL,
	name VARCHAR(100) NOT NULL,
	organisation_code VARCHAR(12),
	low_at INTEGER DEFAULT 0 NOT NULL,
	CONSTRAINT pk_stock_place PRIMARY KEY (id),
	CONSTRAINT ck_stock_place_kind_is_known CHECK (kind IN ('supplier', 'store', 'desk', 'holders', 'destroyed', 'lost', 'missing', 'unexpected')),
	CONSTRAINT ck_stock_place_low_at_is_a_number_of_cards CHECK (low_at >= 0),
	CONSTRAINT uq_stock_place_name UNIQUE (name),
	CONSTRAINT fk_stock_place_organisation_code FOREIGN KEY(organisation_code) REFERENCES organisation (code)
)
;

INSERT INTO stock_place (id, kind, name) VALUES ('supplier', 'supplier', 'The supplier')
;

INSERT INTO stock_place (id, kind, name) VALUES ('unexpected', 'unexpected', 'From nowhere we know')
;

INSERT INTO stock_place (id, kind, name) VALUES ('desk', 'desk', 'At a desk, drawer not told')
;

INSERT INTO stock_place (id, kind, name) VALUES ('holders', 'holders', 'In the hands of their holders')
;

INSERT INTO stock_place (id, kind, name) VALUES ('lost', 'lost', 'Lost or stolen')
;

INSERT INTO stock_place (id, kind, name) VALUES ('missing', 'missing', 'Missing from stock')
;

INSERT INTO stock_place (id, kind, name) VALUES ('destroyed', 'destroyed', 'Destroyed')
;

CREATE TABLE accredited_system (
	asid VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	party_key VARCHAR(30) NOT NULL,
	description VARCHAR(200) NOT NULL,
	product VARCHAR(100) NOT NULL,
	product_version VARCHAR(40) NOT NULL,
	manufacturer_code VARCHAR(12) NOT NULL,
	interactions JSON NOT NULL,
	read_rights JSON NOT NULL,
	status VARCHAR(10) NOT NULL,
	requested_by VARCHAR(12) NOT NULL,
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
	approved_by VARCHAR(12) NOT NULL,
	approved_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_accredited_system PRIMARY KEY (asid),
	CONSTRAINT ck_accredited_system_approved_by_another CHECK (requested_by <> approved_by),
	CONSTRAINT ck_accredited_system_approved_after_request CHECK (approved_at >= requested_at),
	CONSTRAINT ck_accredited_system_status_is_known CHECK (status IN ('active', 'suspended', 'closed')),
	CONSTRAINT uq_accredited_system_product UNIQUE (organisation_code, product, party_key),
	CONSTRAINT fk_accredited_system_organisation_code FOREIGN KEY(organisation_code) REFERENCES organisation (code)
)
;

CREATE INDEX ix_accredited_system_organisation_code ON accredited_system (organisation_code)
;

CREATE INDEX ix_accredited_system_party_key ON accredited_system (party_key)
;

CREATE TABLE message_handling_system (
	id VARCHAR(64) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	party_key VARCHAR(30) NOT NULL,
	interaction VARCHAR(150) NOT NULL,
	interaction_type VARCHAR(10) NOT NULL,
	endpoint VARCHAR(300) NOT NULL,
	fqdn VARCHAR(255) NOT NULL,
	product VARCHAR(100) NOT NULL,
	manufacturer_code VARCHAR(12) NOT NULL,
	reliability JSON NOT NULL,
	status VARCHAR(10) NOT NULL,
	requested_by VARCHAR(12) NOT NULL,
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
	approved_by VARCHAR(12) NOT NULL,
	approved_at TIMESTAMP WITH TIME ZONE NOT NULL,
	dns_approved_by VARCHAR(12),
	dns_approved_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_message_handling_system PRIMARY KEY (id),
	CONSTRAINT ck_message_handling_system_approved_by_another CHECK (requested_by <> approved_by),
	CONSTRAINT ck_message_handling_system_approved_after_request CHECK (approved_at >= requested_at),
	CONSTRAINT ck_message_handling_system_status_is_known CHECK (status IN ('active', 'suspended', 'closed')),
	CONSTRAINT ck_message_handling_system_dns_approved_by_another CHECK (dns_approved_by <> requested_by),
	CONSTRAINT ck_message_handling_system_dns_approval_is_whole CHECK ((dns_approved_by IS NULL) = (dns_approved_at IS NULL)),
	CONSTRAINT fk_message_handling_system_organisation_code FOREIGN KEY(organisation_code) REFERENCES organisation (code)
)
;

CREATE INDEX ix_message_handling_system_lookup ON message_handling_system (organisation_code, interaction)
;

CREATE UNIQUE INDEX uq_message_handling_system_live ON message_handling_system (party_key, interaction) WHERE status <> 'closed'
;

CREATE TABLE authenticator (
	uid VARCHAR(12) NOT NULL,
	sealed_secret BYTEA NOT NULL,
	enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
	confirmed_at TIMESTAMP WITH TIME ZONE,
	last_step INTEGER DEFAULT 0 NOT NULL,
	CONSTRAINT pk_authenticator PRIMARY KEY (uid),
	CONSTRAINT fk_authenticator_uid FOREIGN KEY(uid) REFERENCES person (uid)
)
;

CREATE TABLE role_profile (
	id VARCHAR(12) NOT NULL,
	organisation_person_id VARCHAR(12) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	organisation_code VARCHAR(12) NOT NULL,
	position_id VARCHAR(12) NOT NULL,
	request_id VARCHAR(36),
	request_status VARCHAR(10),
	founding_id INTEGER,
	migration_id INTEGER,
	job_role_code VARCHAR(20) NOT NULL,
	activity_codes JSON NOT NULL,
	workgroups JSON NOT NULL,
	starts_on DATE NOT NULL,
	ends_on DATE,
	granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	withdrawn_at TIMESTAMP WITH TIME ZONE,
	withdrawn_by VARCHAR(12),
	CONSTRAINT pk_role_profile PRIMARY KEY (id),
	CONSTRAINT fk_role_profile_granted_request FOREIGN KEY(request_id, uid, request_status) REFERENCES access_request (id, subject_uid, status),
	CONSTRAINT fk_role_profile_organisation_person FOREIGN KEY(organisation_person_id, uid, organisation_code) REFERENCES organisation_person (id, uid, organisation_code),
	CONSTRAINT ck_role_profile_was_granted_founded_or_migrated CHECK ((founding_id IS NULL AND migration_id IS NULL AND request_id IS NOT NULL AND request_status IS NOT NULL AND request_status = 'granted') OR (founding_id IS NOT NULL AND migration_id IS NULL AND request_id IS NULL AND request_status IS NULL) OR (migration_id IS NOT NULL AND founding_id IS NULL AND request_id IS NULL AND request_status IS NULL)),
	CONSTRAINT ck_role_profile_ends_after_start CHECK (ends_on IS NULL OR ends_on >= starts_on),
	CONSTRAINT ck_role_profile_withdrawn_by_another CHECK (withdrawn_by IS NULL OR withdrawn_by <> uid),
	CONSTRAINT ck_role_profile_withdrawn_at_known CHECK (withdrawn_by IS NULL OR withdrawn_at IS NOT NULL),
	CONSTRAINT fk_role_profile_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT fk_role_profile_position_id FOREIGN KEY(position_id) REFERENCES position (id),
	CONSTRAINT fk_role_profile_founding_id FOREIGN KEY(founding_id) REFERENCES founding (id),
	CONSTRAINT fk_role_profile_migration_id FOREIGN KEY(migration_id) REFERENCES migration (id),
	CONSTRAINT fk_role_profile_withdrawn_by FOREIGN KEY(withdrawn_by) REFERENCES person (uid)
)
;

CREATE INDEX ix_role_profile_ends_on ON role_profile (ends_on)
;

CREATE INDEX ix_role_profile_organisation_code ON role_profile (organisation_code)
;

CREATE INDEX ix_role_profile_organisation_person_id ON role_profile (organisation_person_id)
;

CREATE INDEX ix_role_profile_position_id ON role_profile (position_id)
;

CREATE INDEX ix_role_profile_starts_on ON role_profile (starts_on)
;

CREATE INDEX ix_role_profile_uid ON role_profile (uid)
;

CREATE TABLE card_job (
	id VARCHAR(36) NOT NULL,
	kind VARCHAR(20) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	card_serial VARCHAR(40) NOT NULL,
	status VARCHAR(20) NOT NULL,
	operator_uid VARCHAR(12),
	operator_role_profile VARCHAR(12),
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	steps JSON NOT NULL,
	ticket_hash VARCHAR(64),
	ticket_expires_at TIMESTAMP WITH TIME ZONE,
	job_token_hash VARCHAR(64),
	job_token_expires_at TIMESTAMP WITH TIME ZONE,
	facts JSON NOT NULL,
	CONSTRAINT pk_card_job PRIMARY KEY (id),
	CONSTRAINT ck_card_job_kind_is_known CHECK (kind IN ('unlock', 'renew', 'repair', 'clear', 'export', 'change_so_pin')),
	CONSTRAINT ck_card_job_change_is_the_holders_own CHECK (kind <> 'change_so_pin' OR operator_uid IS NULL),
	CONSTRAINT ck_card_job_status_is_known CHECK (status IN ('begun', 'approved', 'done', 'undone')),
	CONSTRAINT ck_card_job_operator_is_not_the_holder CHECK (operator_uid <> uid),
	CONSTRAINT ck_card_job_finished_has_a_time CHECK ((status IN ('done', 'undone')) = (finished_at IS NOT NULL)),
	CONSTRAINT uq_card_job_id_uid UNIQUE (id, uid),
	CONSTRAINT fk_card_job_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT fk_card_job_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_card_job_operator_uid FOREIGN KEY(operator_uid) REFERENCES person (uid),
	CONSTRAINT uq_card_job_ticket_hash UNIQUE (ticket_hash),
	CONSTRAINT uq_card_job_job_token_hash UNIQUE (job_token_hash)
)
;

CREATE INDEX ix_card_job_card_serial ON card_job (card_serial)
;

CREATE INDEX ix_card_job_uid ON card_job (uid)
;

CREATE UNIQUE INDEX uq_card_job_open_card ON card_job (card_serial, kind) WHERE status IN ('begun', 'approved')
;

CREATE TABLE card_issuance (
	id VARCHAR(36) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	card_serial VARCHAR(40),
	status VARCHAR(20) NOT NULL,
	is_locked BOOLEAN DEFAULT false NOT NULL,
	usable_from DATE,
	temporary_hours INTEGER,
	temporary_reason VARCHAR(40),
	operator_uid VARCHAR(12),
	operator_role_profile VARCHAR(12),
	founding_id INTEGER,
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	steps JSON NOT NULL,
	ticket_hash VARCHAR(64),
	ticket_expires_at TIMESTAMP WITH TIME ZONE,
	job_token_hash VARCHAR(64),
	job_token_expires_at TIMESTAMP WITH TIME ZONE,
	approval JSON,
	authentication_csr BYTEA,
	content_commitment_csr BYTEA,
	keys_signature BYTEA,
	provenance JSON,
	completion_nonce VARCHAR(64),
	CONSTRAINT pk_card_issuance PRIMARY KEY (id),
	CONSTRAINT ck_card_issuance_status_is_known CHECK (status IN ('begun', 'approved', 'personalising', 'certified', 'active', 'undone')),
	CONSTRAINT ck_card_issuance_operator_is_not_the_holder CHECK (operator_uid <> uid),
	CONSTRAINT ck_card_issuance_has_operator_or_founding CHECK ((operator_uid IS NULL) <> (founding_id IS NULL)),
	CONSTRAINT ck_card_issuance_goes_on_only_when_approved CHECK (status IN ('begun', 'undone') OR approval IS NOT NULL),
	CONSTRAINT ck_card_issuance_has_a_card CHECK (status NOT IN ('personalising', 'certified', 'active') OR card_serial IS NOT NULL),
	CONSTRAINT ck_card_issuance_the_approved_desk_signed_the_keys CHECK (operator_uid IS NULL OR authentication_csr IS NULL OR keys_signature IS NOT NULL),
	CONSTRAINT ck_card_issuance_temporary_lasts_a_while CHECK (temporary_hours > 0),
	CONSTRAINT ck_card_issuance_temporary_has_a_reason CHECK ((temporary_hours IS NULL) = (temporary_reason IS NULL)),
	CONSTRAINT fk_card_issuance_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT fk_card_issuance_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_card_issuance_operator_uid FOREIGN KEY(operator_uid) REFERENCES person (uid),
	CONSTRAINT fk_card_issuance_founding_id FOREIGN KEY(founding_id) REFERENCES founding (id),
	CONSTRAINT uq_card_issuance_ticket_hash UNIQUE (ticket_hash),
	CONSTRAINT uq_card_issuance_job_token_hash UNIQUE (job_token_hash)
)
;

CREATE INDEX ix_card_issuance_uid ON card_issuance (uid)
;

CREATE UNIQUE INDEX uq_card_issuance_open_card ON card_issuance (card_serial) WHERE status IN ('begun', 'approved', 'personalising', 'certified')
;

CREATE UNIQUE INDEX uq_card_issuance_open_person ON card_issuance (uid) WHERE status IN ('begun', 'approved', 'personalising', 'certified')
;

CREATE TABLE card_move (
	id SERIAL NOT NULL,
	card_serial VARCHAR(40) NOT NULL,
	verb VARCHAR(20) NOT NULL,
	from_status VARCHAR(20) NOT NULL,
	to_status VARCHAR(20) NOT NULL,
	holder_uid VARCHAR(12),
	given_by VARCHAR(12) NOT NULL,
	given_at TIMESTAMP WITH TIME ZONE NOT NULL,
	reason VARCHAR(40) NOT NULL,
	witness_uid VARCHAR(12),
	note TEXT NOT NULL,
	CONSTRAINT pk_card_move PRIMARY KEY (id),
	CONSTRAINT ck_card_move_is_legal CHECK (verb || ':' || from_status || '>' || to_status IN ('lock:active>locked', 'lock:expiring>locked', 'unlock:locked>active', 'renew:expired>active', 'renew:expiring>active', 'clear:cancelled>recycled', 'clear:expired>recycled', 'suspend:active>suspended', 'suspend:expiring>suspended', 'resume:suspended>active', 'report-lost:active>lost', 'report-lost:expired>lost', 'report-lost:expiring>lost', 'report-lost:locked>lost', 'report-lost:suspended>lost', 'report-stolen:active>stolen', 'report-stolen:expired>stolen', 'report-stolen:expiring>stolen', 'report-stolen:locked>stolen', 'report-stolen:suspended>stolen', 'report-damaged:active>damaged', 'report-damaged:expired>damaged', 'report-damaged:expiring>damaged', 'report-damaged:locked>damaged', 'report-damaged:recycled>damaged', 'report-damaged:stock>damaged', 'report-damaged:suspended>damaged', 'report-faulty:active>faulty', 'report-faulty:expired>faulty', 'report-faulty:expiring>faulty', 'report-faulty:locked>faulty', 'report-faulty:recycled>faulty', 'report-faulty:stock>faulty', 'report-faulty:suspended>faulty', 'cancel:active>cancelled', 'cancel:expired>cancelled', 'cancel:expiring>cancelled', 'cancel:locked>cancelled', 'cancel:suspended>cancelled', 'destroy:cancelled>destroyed', 'destroy:damaged>destroyed', 'destroy:expired>destroyed', 'destroy:faulty>destroyed', 'destroy:lost>destroyed', 'destroy:recycled>destroyed', 'destroy:stock>destroyed', 'destroy:stolen>destroyed')),
	CONSTRAINT ck_card_move_not_of_ones_own_card CHECK (holder_uid IS NULL OR given_by <> holder_uid OR verb IN ('renew', 'report-lost', 'report-stolen', 'report-damaged', 'report-faulty')),
	CONSTRAINT ck_card_move_has_a_witness CHECK (verb NOT IN ('destroy') OR witness_uid IS NOT NULL),
	CONSTRAINT ck_card_move_witness_is_somebody_else CHECK (witness_uid <> given_by),
	CONSTRAINT fk_card_move_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_card_move_holder_uid FOREIGN KEY(holder_uid) REFERENCES person (uid),
	CONSTRAINT fk_card_move_given_by FOREIGN KEY(given_by) REFERENCES person (uid),
	CONSTRAINT fk_card_move_witness_uid FOREIGN KEY(witness_uid) REFERENCES person (uid)
)
;

CREATE INDEX ix_card_move_card_serial ON card_move (card_serial)
;

CREATE FUNCTION card_move_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'card_move only grows'; END $$
;

CREATE TRIGGER card_move_no_update BEFORE UPDATE ON card_move FOR EACH STATEMENT EXECUTE FUNCTION card_move_only_grows()
;

CREATE TRIGGER card_move_no_delete BEFORE DELETE ON card_move FOR EACH STATEMENT EXECUTE FUNCTION card_move_only_grows()
;

CREATE TRIGGER card_move_no_truncate BEFORE TRUNCATE ON card_move FOR EACH STATEMENT EXECUTE FUNCTION card_move_only_grows()
;

CREATE TABLE card_printing (
	card_serial VARCHAR(40) NOT NULL,
	holder_uid VARCHAR(12) NOT NULL,
	number INTEGER NOT NULL,
	printed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	printed_by VARCHAR(40) NOT NULL,
	role_profile VARCHAR(12),
	sides VARCHAR(5) NOT NULL,
	reason VARCHAR(20) NOT NULL,
	note TEXT NOT NULL,
	digest VARCHAR(64) NOT NULL,
	CONSTRAINT pk_card_printing PRIMARY KEY (card_serial, holder_uid, number),
	CONSTRAINT ck_card_printing_sides_are_known CHECK (sides IN ('both', 'front', 'back')),
	CONSTRAINT ck_card_printing_again_takes_a_reason CHECK ((number = 1) = (reason = '')),
	CONSTRAINT ck_card_printing_nobody_prints_their_own CHECK (printed_by <> holder_uid),
	CONSTRAINT fk_card_printing_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_card_printing_holder_uid FOREIGN KEY(holder_uid) REFERENCES person (uid)
)
;

CREATE FUNCTION card_printing_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'card_printing only grows'; END $$
;

CREATE TRIGGER card_printing_no_update BEFORE UPDATE ON card_printing FOR EACH STATEMENT EXECUTE FUNCTION card_printing_only_grows()
;

CREATE TRIGGER card_printing_no_delete BEFORE DELETE ON card_printing FOR EACH STATEMENT EXECUTE FUNCTION card_printing_only_grows()
;

CREATE TRIGGER card_printing_no_truncate BEFORE TRUNCATE ON card_printing FOR EACH STATEMENT EXECUTE FUNCTION card_printing_only_grows()
;

CREATE TABLE oidc_code (
	code_hash VARCHAR(64) NOT NULL,
	grant_id VARCHAR(32) NOT NULL,
	session_id VARCHAR(32) NOT NULL,
	"grant" JSON NOT NULL,
	redirect_uri VARCHAR(500) NOT NULL,
	code_challenge VARCHAR(43) NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_oidc_code PRIMARY KEY (code_hash),
	CONSTRAINT uq_oidc_code_grant_id UNIQUE (grant_id),
	CONSTRAINT fk_oidc_code_session_id FOREIGN KEY(session_id) REFERENCES web_session (id)
)
;

CREATE INDEX ix_oidc_code_expires_at ON oidc_code (expires_at)
;

CREATE INDEX ix_oidc_code_session_id ON oidc_code (session_id)
;

CREATE TABLE oidc_token (
	token_hash VARCHAR(64) NOT NULL,
	kind VARCHAR(10) NOT NULL,
	grant_id VARCHAR(32) NOT NULL,
	session_id VARCHAR(32) NOT NULL,
	"grant" JSON NOT NULL,
	issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	revoked_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_oidc_token PRIMARY KEY (token_hash),
	CONSTRAINT ck_oidc_token_kind_is_known CHECK (kind IN ('access', 'refresh')),
	CONSTRAINT ck_oidc_token_only_refresh_tokens_are_used_up CHECK (kind = 'refresh' OR used_at IS NULL),
	CONSTRAINT fk_oidc_token_session_id FOREIGN KEY(session_id) REFERENCES web_session (id)
)
;

CREATE INDEX ix_oidc_token_expires_at ON oidc_token (expires_at)
;

CREATE INDEX ix_oidc_token_grant_id ON oidc_token (grant_id)
;

CREATE INDEX ix_oidc_token_session_id ON oidc_token (session_id)
;

CREATE TABLE oidc_session_client (
	session_id VARCHAR(32) NOT NULL,
	client_id VARCHAR(100) NOT NULL,
	logged_out_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_oidc_session_client PRIMARY KEY (session_id, client_id),
	CONSTRAINT fk_oidc_session_client_session_id FOREIGN KEY(session_id) REFERENCES web_session (id)
)
;

CREATE TABLE activity_inclusion (
	version_id INTEGER NOT NULL,
	activity_code VARCHAR(20) NOT NULL,
	satisfied_by VARCHAR(20) NOT NULL,
	CONSTRAINT pk_activity_inclusion PRIMARY KEY (version_id, activity_code, satisfied_by),
	CONSTRAINT fk_activity_inclusion_activity FOREIGN KEY(version_id, activity_code) REFERENCES activity (version_id, code),
	CONSTRAINT fk_activity_inclusion_satisfied_by FOREIGN KEY(version_id, satisfied_by) REFERENCES activity (version_id, code),
	CONSTRAINT ck_activity_inclusion_includes_another CHECK (activity_code <> satisfied_by)
)
;

CREATE TABLE baseline_activity (
	version_id INTEGER NOT NULL,
	job_role_code VARCHAR(20) NOT NULL,
	activity_code VARCHAR(20) NOT NULL,
	CONSTRAINT pk_baseline_activity PRIMARY KEY (version_id, job_role_code, activity_code),
	CONSTRAINT fk_baseline_activity_job_role FOREIGN KEY(version_id, job_role_code) REFERENCES job_role (version_id, code),
	CONSTRAINT fk_baseline_activity_activity FOREIGN KEY(version_id, activity_code) REFERENCES activity (version_id, code)
)
;

CREATE TABLE stock_movement (
	serial VARCHAR(40) NOT NULL,
	number INTEGER NOT NULL,
	previous_number INTEGER,
	posting_id INTEGER NOT NULL,
	from_place VARCHAR(36) NOT NULL,
	to_place VARCHAR(36) NOT NULL,
	CONSTRAINT pk_stock_movement PRIMARY KEY (serial, number),
	CONSTRAINT uq_stock_movement_serial UNIQUE (serial, number, to_place),
	CONSTRAINT fk_stock_movement_begins_where_the_last_ended FOREIGN KEY(serial, previous_number, from_place) REFERENCES stock_movement (serial, number, to_place),
	CONSTRAINT ck_stock_movement_goes_somewhere CHECK (from_place <> to_place),
	CONSTRAINT ck_stock_movement_first_has_none_before CHECK ((number = 1) = (previous_number IS NULL)),
	CONSTRAINT ck_stock_movement_follows_the_one_before CHECK (previous_number = number - 1),
	CONSTRAINT ck_stock_movement_begins_with_a_delivery_or_unexpected CHECK (number > 1 OR from_place IN ('supplier', 'unexpected')),
	CONSTRAINT fk_stock_movement_serial FOREIGN KEY(serial) REFERENCES card (serial),
	CONSTRAINT fk_stock_movement_posting_id FOREIGN KEY(posting_id) REFERENCES stock_posting (id),
	CONSTRAINT fk_stock_movement_from_place FOREIGN KEY(from_place) REFERENCES stock_place (id),
	CONSTRAINT fk_stock_movement_to_place FOREIGN KEY(to_place) REFERENCES stock_place (id)
)
;

CREATE INDEX ix_stock_movement_from_place ON stock_movement (from_place)
;

CREATE INDEX ix_stock_movement_posting_id ON stock_movement (posting_id)
;

CREATE INDEX ix_stock_movement_to_place ON stock_movement (to_place)
;

CREATE FUNCTION stock_movement_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stock_movement only grows'; END $$
;

CREATE TRIGGER stock_movement_no_update BEFORE UPDATE ON stock_movement FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_only_grows()
;

CREATE TRIGGER stock_movement_no_delete BEFORE DELETE ON stock_movement FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_only_grows()
;

CREATE TRIGGER stock_movement_no_truncate BEFORE TRUNCATE ON stock_movement FOR EACH STATEMENT EXECUTE FUNCTION stock_movement_only_grows()
;

CREATE TABLE stock_delivery (
	id VARCHAR(36) NOT NULL,
	file_name VARCHAR(200) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	supplier VARCHAR(100) NOT NULL,
	place_id VARCHAR(36) NOT NULL,
	status VARCHAR(10) NOT NULL,
	handed_in_by VARCHAR(40) NOT NULL,
	handed_in_at TIMESTAMP WITH TIME ZONE NOT NULL,
	decided_by VARCHAR(40),
	decided_role_profile VARCHAR(12),
	decided_at TIMESTAMP WITH TIME ZONE,
	cards JSON NOT NULL,
	refused JSON NOT NULL,
	CONSTRAINT pk_stock_delivery PRIMARY KEY (id),
	CONSTRAINT ck_stock_delivery_status_is_known CHECK (status IN ('previewed', 'applied', 'discarded')),
	CONSTRAINT ck_stock_delivery_somebody_decided CHECK (status = 'previewed' OR decided_by IS NOT NULL),
	CONSTRAINT fk_stock_delivery_place_id FOREIGN KEY(place_id) REFERENCES stock_place (id)
)
;

CREATE TABLE stock_take (
	id VARCHAR(36) NOT NULL,
	place_id VARCHAR(36) NOT NULL,
	status VARCHAR(10) NOT NULL,
	counted_by VARCHAR(40) NOT NULL,
	counted_role_profile VARCHAR(12),
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	closed_at TIMESTAMP WITH TIME ZONE,
	expected INTEGER,
	CONSTRAINT pk_stock_take PRIMARY KEY (id),
	CONSTRAINT ck_stock_take_status_is_known CHECK (status IN ('open', 'closed', 'abandoned')),
	CONSTRAINT ck_stock_take_closed_has_a_time CHECK ((status = 'open') = (closed_at IS NULL)),
	CONSTRAINT fk_stock_take_place_id FOREIGN KEY(place_id) REFERENCES stock_place (id)
)
;

CREATE UNIQUE INDEX uq_stock_take_open_place ON stock_take (place_id) WHERE status = 'open'
;

CREATE TABLE system_request (
	id VARCHAR(36) NOT NULL,
	kind VARCHAR(12) NOT NULL,
	asid VARCHAR(12),
	organisation_code VARCHAR(12) NOT NULL,
	product VARCHAR(100) NOT NULL,
	reason TEXT NOT NULL,
	requested_by VARCHAR(12) NOT NULL,
	requested_role_profile VARCHAR(12) NOT NULL,
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
	details JSON,
	csr BYTEA,
	spki_sha256 VARCHAR(64),
	batch VARCHAR(36),
	new_hosts JSON NOT NULL,
	status VARCHAR(10) NOT NULL,
	hosts_checked_by VARCHAR(12),
	hosts_checked_role_profile VARCHAR(12),
	hosts_checked_at TIMESTAMP WITH TIME ZONE,
	hosts_found JSON,
	decided_by VARCHAR(12),
	decided_role_profile VARCHAR(12),
	decided_at TIMESTAMP WITH TIME ZONE,
	decision_note TEXT NOT NULL,
	CONSTRAINT pk_system_request PRIMARY KEY (id),
	CONSTRAINT ck_system_request_kind_is_known CHECK (kind IN ('register', 'change', 'suspend', 'resume', 'withdraw', 'certificate')),
	CONSTRAINT ck_system_request_status_is_known CHECK (status IN ('open', 'approved', 'rejected', 'cancelled', 'at_once')),
	CONSTRAINT ck_system_request_decided_by_another CHECK (decided_by <> requested_by),
	CONSTRAINT ck_system_request_decided_in_another_role CHECK (decided_role_profile <> requested_role_profile),
	CONSTRAINT ck_system_request_hosts_checked_by_another CHECK (hosts_checked_by <> requested_by),
	CONSTRAINT ck_system_request_decision_has_a_decider CHECK ((status IN ('approved', 'rejected')) = (decided_by IS NOT NULL) AND (status IN ('approved', 'rejected')) = (decided_role_profile IS NOT NULL) AND (status IN ('approved', 'rejected')) = (decided_at IS NOT NULL)),
	CONSTRAINT ck_system_request_only_suspensions_are_alone CHECK ((kind = 'suspend') = (status = 'at_once')),
	CONSTRAINT ck_system_request_only_certificates_have_a_csr CHECK ((kind = 'certificate') = (csr IS NOT NULL)),
	CONSTRAINT fk_system_request_asid FOREIGN KEY(asid) REFERENCES accredited_system (asid),
	CONSTRAINT fk_system_request_organisation_code FOREIGN KEY(organisation_code) REFERENCES organisation (code)
)
;

CREATE INDEX ix_system_request_asid ON system_request (asid)
;

CREATE INDEX ix_system_request_batch ON system_request (batch)
;

CREATE INDEX ix_system_request_organisation_code ON system_request (organisation_code)
;

CREATE INDEX ix_system_request_requested_at ON system_request (requested_at)
;

CREATE INDEX ix_system_request_requested_by ON system_request (requested_by)
;

CREATE INDEX ix_system_request_status ON system_request (status)
;

CREATE UNIQUE INDEX uq_system_request_open ON system_request (asid) WHERE status = 'open' AND kind <> 'certificate'
;

CREATE UNIQUE INDEX uq_system_request_open_certificate ON system_request (asid) WHERE status = 'open' AND kind = 'certificate'
;

CREATE UNIQUE INDEX uq_system_request_open_product ON system_request (organisation_code, product) WHERE status = 'open' AND kind = 'register'
;

CREATE TABLE system_password (
	asid VARCHAR(12) NOT NULL,
	password_hash VARCHAR(200) NOT NULL,
	given_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_system_password PRIMARY KEY (asid),
	CONSTRAINT fk_system_password_asid FOREIGN KEY(asid) REFERENCES accredited_system (asid)
)
;

CREATE TABLE unlock_code (
	request_hash VARCHAR(64) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	card_serial VARCHAR(40) NOT NULL,
	channel VARCHAR(10) NOT NULL,
	mac VARCHAR(64) NOT NULL,
	made_at TIMESTAMP WITH TIME ZONE NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	tries INTEGER DEFAULT 0 NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_unlock_code PRIMARY KEY (request_hash),
	CONSTRAINT ck_unlock_code_channel_is_known CHECK (channel IN ('email', 'text')),
	CONSTRAINT ck_unlock_code_few_tries CHECK (tries BETWEEN 0 AND 3),
	CONSTRAINT fk_unlock_code_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT fk_unlock_code_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial)
)
;

CREATE INDEX ix_unlock_code_expires_at ON unlock_code (expires_at)
;

CREATE INDEX ix_unlock_code_uid ON unlock_code (uid)
;

CREATE UNIQUE INDEX uq_unlock_code_open ON unlock_code (uid) WHERE used_at IS NULL
;

CREATE TABLE card_batch_item (
	batch_id VARCHAR(36) NOT NULL,
	position INTEGER NOT NULL,
	uid VARCHAR(12) NOT NULL,
	issuance_id VARCHAR(36),
	refused TEXT NOT NULL,
	CONSTRAINT pk_card_batch_item PRIMARY KEY (batch_id, position),
	CONSTRAINT uq_card_batch_item_batch_id UNIQUE (batch_id, uid),
	CONSTRAINT ck_card_batch_item_position_counts_from_one CHECK (position > 0),
	CONSTRAINT fk_card_batch_item_batch_id FOREIGN KEY(batch_id) REFERENCES card_batch (id),
	CONSTRAINT fk_card_batch_item_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT uq_card_batch_item_issuance_id UNIQUE (issuance_id),
	CONSTRAINT fk_card_batch_item_issuance_id FOREIGN KEY(issuance_id) REFERENCES card_issuance (id)
)
;

CREATE INDEX ix_card_batch_item_uid ON card_batch_item (uid)
;

CREATE TABLE card_job_approval (
	job_id VARCHAR(36) NOT NULL,
	signer_uid VARCHAR(12) NOT NULL,
	holder_uid VARCHAR(12) NOT NULL,
	statement BYTEA NOT NULL,
	signature BYTEA NOT NULL,
	certificate BYTEA NOT NULL,
	signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_card_job_approval PRIMARY KEY (job_id, signer_uid),
	CONSTRAINT fk_card_job_approval_job_id FOREIGN KEY(job_id, holder_uid) REFERENCES card_job (id, uid),
	CONSTRAINT ck_card_job_approval_signer_is_not_the_holder CHECK (signer_uid <> holder_uid),
	CONSTRAINT fk_card_job_approval_signer_uid FOREIGN KEY(signer_uid) REFERENCES person (uid)
)
;

CREATE TABLE so_pin_escrow (
	id SERIAL NOT NULL,
	card_serial VARCHAR(40) NOT NULL,
	issuance_id VARCHAR(36),
	job_id VARCHAR(36),
	wrapped_so_pin BYTEA NOT NULL,
	recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
	confirmed_at TIMESTAMP WITH TIME ZONE,
	seen_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_so_pin_escrow PRIMARY KEY (id),
	CONSTRAINT ck_so_pin_escrow_belongs_to_issuance_or_job CHECK ((issuance_id IS NULL) <> (job_id IS NULL)),
	CONSTRAINT fk_so_pin_escrow_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_so_pin_escrow_issuance_id FOREIGN KEY(issuance_id) REFERENCES card_issuance (id),
	CONSTRAINT fk_so_pin_escrow_job_id FOREIGN KEY(job_id) REFERENCES card_job (id)
)
;

CREATE INDEX ix_so_pin_escrow_card_serial ON so_pin_escrow (card_serial)
;

CREATE TABLE certificate (
	serial_number VARCHAR(40) NOT NULL,
	purpose VARCHAR(20) NOT NULL,
	uid VARCHAR(12) NOT NULL,
	card_serial VARCHAR(40) NOT NULL,
	issuance_id VARCHAR(36),
	renewal_id VARCHAR(36),
	spki_sha256 VARCHAR(64) NOT NULL,
	not_before TIMESTAMP WITH TIME ZONE NOT NULL,
	not_after TIMESTAMP WITH TIME ZONE NOT NULL,
	der BYTEA NOT NULL,
	status VARCHAR(10) NOT NULL,
	revoked_at TIMESTAMP WITH TIME ZONE,
	reason VARCHAR(30),
	provenance VARCHAR(2000) DEFAULT '' NOT NULL,
	CONSTRAINT pk_certificate PRIMARY KEY (serial_number),
	CONSTRAINT ck_certificate_purpose_is_known CHECK (purpose IN ('authentication', 'content-commitment')),
	CONSTRAINT ck_certificate_status_is_known CHECK (status IN ('issued', 'active', 'revoked')),
	CONSTRAINT ck_certificate_has_issuance_or_renewal CHECK ((issuance_id IS NULL) <> (renewal_id IS NULL)),
	CONSTRAINT ck_certificate_revoked_has_a_time CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)),
	CONSTRAINT fk_certificate_uid FOREIGN KEY(uid) REFERENCES person (uid),
	CONSTRAINT fk_certificate_card_serial FOREIGN KEY(card_serial) REFERENCES card (serial),
	CONSTRAINT fk_certificate_issuance_id FOREIGN KEY(issuance_id) REFERENCES card_issuance (id),
	CONSTRAINT fk_certificate_renewal_id FOREIGN KEY(renewal_id) REFERENCES card_job (id),
	CONSTRAINT uq_certificate_spki_sha256 UNIQUE (spki_sha256)
)
;

CREATE INDEX ix_certificate_card_serial ON certificate (card_serial)
;

CREATE INDEX ix_certificate_issuance_id ON certificate (issuance_id)
;

CREATE INDEX ix_certificate_not_after ON certificate (not_after)
;

CREATE INDEX ix_certificate_renewal_id ON certificate (renewal_id)
;

CREATE INDEX ix_certificate_uid ON certificate (uid)
;

CREATE UNIQUE INDEX ix_certificate_issuance_purpose ON certificate (issuance_id, purpose)
;

CREATE UNIQUE INDEX ix_certificate_renewal_purpose ON certificate (renewal_id, purpose)
;

CREATE TABLE stock_card (
	serial VARCHAR(40) NOT NULL,
	place_id VARCHAR(36) NOT NULL,
	number INTEGER NOT NULL,
	back_number VARCHAR(20),
	CONSTRAINT pk_stock_card PRIMARY KEY (serial),
	CONSTRAINT fk_stock_card_is_where_a_movement_put_it FOREIGN KEY(serial, number, place_id) REFERENCES stock_movement (serial, number, to_place),
	CONSTRAINT fk_stock_card_serial FOREIGN KEY(serial) REFERENCES card (serial),
	CONSTRAINT fk_stock_card_place_id FOREIGN KEY(place_id) REFERENCES stock_place (id),
	CONSTRAINT uq_stock_card_back_number UNIQUE (back_number)
)
;

CREATE INDEX ix_stock_card_place_id ON stock_card (place_id)
;

CREATE FUNCTION stock_card_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO stock_card (serial, place_id, number) VALUES (NEW.serial, NEW.to_place, NEW.number) ON CONFLICT (serial) DO UPDATE SET place_id = excluded.place_id, number = excluded.number; RETURN NULL; END $$
;

CREATE TRIGGER stock_card_follows AFTER INSERT ON stock_movement FOR EACH ROW EXECUTE FUNCTION stock_card_follows()
;

CREATE FUNCTION stock_card_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.number <= OLD.number AND (NEW.place_id <> OLD.place_id OR NEW.number <> OLD.number) THEN RAISE EXCEPTION 'stock_card follows the movements'; END IF; RETURN NEW; END $$
;

CREATE TRIGGER stock_card_goes_forward BEFORE UPDATE ON stock_card FOR EACH ROW EXECUTE FUNCTION stock_card_goes_forward()
;

CREATE TABLE stock_count (
	stock_take_id VARCHAR(36) NOT NULL,
	serial VARCHAR(40) NOT NULL,
	counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_stock_count PRIMARY KEY (stock_take_id, serial),
	CONSTRAINT fk_stock_count_stock_take_id FOREIGN KEY(stock_take_id) REFERENCES stock_take (id)
)
;

CREATE TABLE stock_finding (
	id VARCHAR(36) NOT NULL,
	kind VARCHAR(12) NOT NULL,
	serial VARCHAR(40) NOT NULL,
	stock_take_id VARCHAR(36),
	place_id VARCHAR(36) NOT NULL,
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
	raised_by VARCHAR(40) NOT NULL,
	status VARCHAR(10) NOT NULL,
	decision VARCHAR(12),
	settled_by VARCHAR(40),
	settled_role_profile VARCHAR(12),
	settled_at TIMESTAMP WITH TIME ZONE,
	note TEXT DEFAULT '' NOT NULL,
	CONSTRAINT pk_stock_finding PRIMARY KEY (id),
	CONSTRAINT ck_stock_finding_kind_is_known CHECK (kind IN ('missing', 'surplus', 'wrong_place', 'unexpected')),
	CONSTRAINT ck_stock_finding_status_is_known CHECK (status IN ('open', 'settled')),
	CONSTRAINT ck_stock_finding_decision_is_known CHECK (decision IN ('write_off', 'found', 'take_in', 'move_here', 'leave')),
	CONSTRAINT ck_stock_finding_somebody_settled_it CHECK ((status = 'settled') = (settled_by IS NOT NULL)),
	CONSTRAINT ck_stock_finding_two_people CHECK (settled_by <> raised_by),
	CONSTRAINT fk_stock_finding_stock_take_id FOREIGN KEY(stock_take_id) REFERENCES stock_take (id),
	CONSTRAINT fk_stock_finding_place_id FOREIGN KEY(place_id) REFERENCES stock_place (id)
)
;

CREATE INDEX ix_stock_finding_stock_take_id ON stock_finding (stock_take_id)
;

CREATE UNIQUE INDEX uq_stock_finding_open ON stock_finding (serial, kind) WHERE status = 'open'
;

CREATE TABLE system_certificate (
	serial_number VARCHAR(40) NOT NULL,
	asid VARCHAR(12) NOT NULL,
	request_id VARCHAR(36),
	spki_sha256 VARCHAR(64) NOT NULL,
	not_before TIMESTAMP WITH TIME ZONE NOT NULL,
	not_after TIMESTAMP WITH TIME ZONE NOT NULL,
	der BYTEA NOT NULL,
	revoked_at TIMESTAMP WITH TIME ZONE,
	revoked_by VARCHAR(40),
	reason VARCHAR(30),
	CONSTRAINT pk_system_certificate PRIMARY KEY (serial_number),
	CONSTRAINT ck_system_certificate_revocation_has_a_reason CHECK ((revoked_at IS NULL) = (reason IS NULL) AND (revoked_at IS NULL) = (revoked_by IS NULL)),
	CONSTRAINT fk_system_certificate_asid FOREIGN KEY(asid) REFERENCES accredited_system (asid),
	CONSTRAINT uq_system_certificate_request_id UNIQUE (request_id),
	CONSTRAINT fk_system_certificate_request_id FOREIGN KEY(request_id) REFERENCES system_request (id),
	CONSTRAINT uq_system_certificate_spki_sha256 UNIQUE (spki_sha256)
)
;

CREATE INDEX ix_system_certificate_asid ON system_certificate (asid)
;

CREATE INDEX ix_system_certificate_not_after ON system_certificate (not_after)
;
