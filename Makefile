# Sallyport. One makefile, not recursive; the per-program source lists below are
# the privilege map: what is not in a program's list cannot run in that process.
#
#   make            build everything (VARIANT=release)
#   make check      unit, policy and fuzz-replay tests: no root, no VM
#   make test       everything, virtual machines included; installs what it needs
#   make fuzz       T=NAME FOR=60s: a fuzz target, or each of them
#   make fault      each call that can fail does, one at a time, under ASan
#   make coverage   which lines tests and fuzz corpora run
#   make bench      what a URB costs on its way: ratios; ARGS=--json, --quick
#   make attack     who attacks each half, and what becomes of it; ARGS=NAME
#   make demo       one guarded device, end to end, on real kernels, narrated
#   make site       documents and man pages as a site, in build/site
#   make install    DESTDIR, PREFIX, SYSCONFDIR, LIBEXECDIR, MANDIR, PROFILEDIR,
#                   LIBDIR, INCLUDEDIR, ZSHDIR
#   make help       the other targets and variables

VARIANT ?= release
B ?= build
O := $(B)/$(VARIANT)

PREFIX ?= /usr
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/sallyport
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
PROFILEDIR ?= $(PREFIX)/share/sallyport/profiles
INSTALL ?= install
BISON ?= bison
VERSION := 0.1.0

ifeq ($(VARIANT),fuzz)
override CC := clang
endif
CFLAGS ?= -O2 -g
std := -std=gnu11 -D_GNU_SOURCE
warn := -Wall -Wextra -Wshadow -Wcast-qual -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wimplicit-fallthrough -Wundef \
	-Wwrite-strings -Wpointer-arith -Wswitch-enum
hard := -fPIE -fstack-protector-strong
# clang 14 knows the flag, but wants to be asked twice.
ifeq ($(findstring clang,$(CC)),)
hard += -ftrivial-auto-var-init=zero
endif
link := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
defs := -DSALLYPORT_VERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -DPROFILEDIR='"$(PROFILEDIR)"'
fuzzing :=

ifeq ($(VARIANT),release)
hard += -D_FORTIFY_SOURCE=2
else ifeq ($(VARIANT),debug)
override CFLAGS := -O0 -g3
else ifeq ($(VARIANT),trace)
# For who writes a sandbox's list: what would kill is logged by the kernel.
override CFLAGS := -O1 -g
defs += -DSANDBOX_LOGS
else ifeq ($(VARIANT),asan)
override CFLAGS := -O1 -g -fno-omit-frame-pointer
san := -fsanitize=address,undefined -fno-sanitize-recover=all
else ifeq ($(VARIANT),cov)
override CFLAGS := -O0 -g --coverage
defs += -DSANDBOX_INSTRUMENTED
link += --coverage
else ifeq ($(VARIANT),fuzz)
override CFLAGS := -O1 -g -fno-omit-frame-pointer
san := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzzing := -fsanitize=fuzzer
else ifeq ($(VARIANT),fault)
override CFLAGS := -O1 -g -fno-omit-frame-pointer
san := -fsanitize=address,undefined -fno-sanitize-recover=all
else
$(error unknown VARIANT '$(VARIANT)'; one of release debug trace asan cov fuzz fault)
endif

# Where calls can be made to fail, the product's go to tests/fault/fault.c, and
# those of tests and fakes do not: --wrap would not tell them apart.
ifneq ($(filter fuzz fault,$(VARIANT)),)
faults := tests/fault/fault.c
inject = $(if $(filter tests/%,$<),,objcopy \
	--redefine-syms=tests/fault/symbols $@)
endif

cflags = $(std) $(warn) $(hard) $(san) $(WERROR) $(defs) -I. -I$(O)/gen \
	-include base/banned.h $(CPPFLAGS) $(CFLAGS)

V ?= 0
ifeq ($(V),0)
say = @printf '  %-5s %s\n' "$(1)" "$(2)";
endif

MBEDTLS := -lmbedtls -lmbedx509 -lmbedcrypto

# ---------------------------------------------------------------------------
# Rooms

# Enrolment, and the messages of its processes.
enroll_srcs := wire/enroll.c wire/ipc.c wire/ipc_enroll.c wire/place.c \
	wire/usbip_check.c

wire_srcs := wire/capture.c wire/class_words.c wire/desc.c wire/desc_bos.c wire/desc_check.c wire/desc_class.c \
	wire/desc_endpoint.c wire/desc_string.c wire/devrec.c \
	wire/devrec_check.c wire/devrec_compare.c wire/devrec_expose.c \
	wire/devrec_uas.c wire/hid_state.c \
	wire/identity.c wire/ipc.c wire/ipc_fetch.c wire/ipc_import.c \
	wire/ipc_inspect.c wire/ipc_item.c wire/ipc_relay.c \
	wire/ipc_signer.c wire/place.c \
	wire/tally.c wire/usbip.c \
	wire/usbip_check.c wire/waiver.c

base_core_srcs := base/channel.c base/clock.c base/err.c base/log.c \
	base/mem.c
base_loop_srcs := base/loop.c
base_sandbox_srcs := base/sandbox.c base/sandbox_calls.c \
	base/sandbox_landlock.c base/sandbox_seccomp.c \
	base/sandbox_spaces.c base/userns.c
base_resolver_srcs := base/sandbox_resolver.c
base_tls_srcs := base/stream.c base/tls.c base/tls_config.c \
	base/tls_signer.c base/tls_text.c base/x509.c base/x509_crl.c

# What the languages of rules and of profiles share.
text_srcs := policy/text/arena.c policy/text/shown.c policy/text/when.c

rules_srcs := $(text_srcs) policy/rules/check.c \
	policy/rules/condition.c policy/rules/desk.c policy/rules/device.c \
	policy/rules/differences.c policy/rules/expand.c \
	policy/rules/explain.c policy/rules/expose.c policy/rules/foreign.c \
	policy/rules/glob.c \
	policy/rules/hid.c policy/rules/include.c policy/rules/index.c \
	policy/rules/keyword.c policy/rules/lex.c policy/rules/load.c \
	policy/rules/match.c policy/rules/names.c policy/rules/overlap.c \
	policy/rules/print.c policy/rules/query.c policy/rules/rules.c \
	policy/rules/subject.c policy/rules/term.c policy/rules/value.c \
	$(O)/gen/policy/rules/parse.c

facts_srcs := policy/facts/facts.c policy/facts/hook.c policy/facts/names_av.c \
	policy/facts/names_ccid.c policy/facts/names_common.c \
	policy/facts/names_ctap.c policy/facts/names_dfu.c \
	policy/facts/names_hid.c policy/facts/names_mtp.c \
	policy/facts/names_net.c policy/facts/names_print.c \
	policy/facts/names_scsi.c policy/facts/names_setup.c

# What a session runs of profiles: compiled tables, never texts.
table_srcs := policy/profiles/judge.c policy/profiles/lookup.c \
	policy/profiles/match.c policy/profiles/meter.c \
	policy/profiles/quota.c policy/profiles/table.c

# Why a table rules as it does, for people.
explain_srcs := policy/profiles/judge_explain.c

hid_srcs := policy/decode/hid.c policy/decode/hid_arm.c \
	policy/decode/hid_piece.c policy/decode/hid_report.c \
	policy/decode/hid_values.c

decode_srcs := $(hid_srcs) policy/decode/apdu.c policy/decode/av.c \
	policy/decode/av_audio.c policy/decode/av_entity.c \
	policy/decode/av_video.c policy/decode/bot.c policy/decode/ccid.c \
	policy/decode/ccid_block.c policy/decode/ccid_desc.c \
	policy/decode/cdc.c policy/decode/ctap.c policy/decode/decode.c \
	policy/decode/dfu.c policy/decode/mtp.c policy/decode/net.c \
	policy/decode/net_eem.c policy/decode/net_frame.c \
	policy/decode/net_ncm.c policy/decode/net_rndis.c \
	policy/decode/print.c policy/decode/print_job.c policy/decode/raw.c \
	policy/decode/scsi.c policy/decode/serial.c policy/decode/setup.c

# The language of profiles: from texts to trees.
build_srcs := policy/profiles/build.c policy/profiles/build_index.c
profiles_srcs := $(text_srcs) policy/profiles/bind.c $(build_srcs) \
	policy/profiles/check.c \
	policy/profiles/choose.c policy/profiles/include.c \
	policy/profiles/lex.c policy/profiles/load.c \
	policy/profiles/number.c policy/profiles/pins.c \
	policy/profiles/print.c \
	policy/profiles/reach.c policy/profiles/resolve.c \
	policy/profiles/set.c policy/profiles/tree.c \
	policy/profiles/words.c $(O)/gen/policy/profiles/parse.c

vet_srcs := policy/vet/audio.c policy/vet/audio_stream.c policy/vet/cdc.c \
	policy/vet/classes.c policy/vet/expect.c policy/vet/expect_class.c \
	policy/vet/expect_table.c policy/vet/graph.c policy/vet/report.c \
	policy/vet/say.c policy/vet/vet.c policy/vet/video.c \
	policy/vet/video_stream.c

# What a publisher signs: archives, manifests, signatures. Checking only; what
# signs is base/sign_make.c.
bundle_srcs := policy/bundle/bundle.c policy/bundle/manifest.c \
	policy/bundle/signed.c policy/bundle/tar.c base/sign.c

# The library for programs that serve verdicts: theirs, and sallyctl's.
verdict_srcs := verdict/verdict.c

# ---------------------------------------------------------------------------
# Programs: name, where it is installed, sources, libraries

programs := sallyportd sallyport-warden sallyport-session sallyport-probe \
	sallyport-signer \
	sallyport-capture sallyctl sallyport sallyport-relay sallyport-reader \
	sallyport-desks sallyport-notify sallyport-policy sallyport-certs sallyport-front \
	sallyport-enroll sallyport-metrics sallyport-fetch sallyport-trial

sallyportd_dir := $(SBINDIR)
sallyportd_srcs := proxy/broker/atboot.c proxy/broker/attr.c \
	proxy/broker/children.c proxy/broker/confine.c \
	proxy/broker/device.c proxy/broker/keys.c \
	proxy/broker/main.c proxy/broker/requests.c proxy/broker/roots.c \
	proxy/broker/signer.c proxy/conf.c \
	base/conf.c base/file.c base/sealed.c base/spawn.c base/userns.c \
	$(base_core_srcs) $(base_loop_srcs) $(base_sandbox_srcs) \
	wire/ipc.c wire/ipc_signer.c wire/place.c wire/usbip_check.c
sallyportd_libs := -lev -linih -lseccomp

sallyport-warden_dir := $(LIBEXECDIR)
sallyport-warden_srcs := proxy/warden/armed.c proxy/warden/asks.c \
	proxy/warden/audit.c proxy/warden/audit_chain.c \
	proxy/warden/audit_file.c proxy/warden/audit_resume.c \
	proxy/warden/book.c proxy/warden/book_file.c \
	proxy/warden/book_json.c proxy/warden/book_limits.c \
	proxy/warden/bundle_fetch.c proxy/warden/bundle_store.c \
	proxy/warden/bundle_try.c proxy/warden/bundles.c \
	proxy/warden/callers.c proxy/warden/captures.c \
	proxy/warden/confine.c proxy/conf.c \
	proxy/warden/control.c proxy/warden/control_audit.c \
	proxy/warden/control_ops.c proxy/warden/control_policy.c \
	proxy/warden/desks.c proxy/warden/diff.c proxy/warden/events.c \
	proxy/warden/expiry.c \
	proxy/warden/events_json.c proxy/warden/facts.c \
	proxy/warden/facts_json.c proxy/warden/held.c \
	proxy/warden/hotplug.c \
	proxy/warden/imports.c proxy/warden/inspect.c \
	proxy/warden/item.c proxy/warden/journal.c proxy/warden/lease.c \
	proxy/warden/main.c proxy/warden/metrics.c \
	proxy/warden/metrics_json.c \
	proxy/warden/people.c proxy/warden/policy.c \
	proxy/warden/profiles.c \
	proxy/warden/registry.c proxy/warden/revoked.c \
	proxy/warden/roles.c \
	proxy/warden/pace.c \
	proxy/warden/rulefiles.c proxy/warden/sandboxes.c \
	proxy/warden/sessions.c proxy/warden/stable.c \
	proxy/warden/sysfs.c proxy/warden/upstream.c \
	proxy/warden/upstream_read.c proxy/warden/upstream_status.c \
	proxy/warden/verdict.c \
	proxy/warden/verdict_ask.c proxy/warden/verdict_cache.c \
	proxy/warden/verdict_json.c proxy/warden/verdict_line.c \
	proxy/warden/warden.c proxy/warden/watch.c \
	proxy/warden/world.c proxy/warden/zone.c proxy/warden/zones.c \
	base/chain.c base/conf.c base/digest.c base/digest_hmac.c \
	base/file.c base/net.c base/sealed.c base/x509.c \
	base/x509_crl.c $(base_sandbox_srcs) \
	$(base_core_srcs) $(base_loop_srcs) $(wire_srcs) $(rules_srcs) \
	$(facts_srcs) $(profiles_srcs) $(vet_srcs) $(bundle_srcs)
sallyport-warden_libs := -lev -linih -ludev -ljansson -lmbedx509 -lmbedcrypto \
	-lseccomp

sallyport-session_dir := $(LIBEXECDIR)
sallyport-session_srcs := proxy/session/capture.c \
	proxy/session/confine.c \
	proxy/session/control.c proxy/session/door_tls.c \
	proxy/session/early.c proxy/session/floor.c proxy/session/floor_setup.c proxy/session/flow.c \
	proxy/session/inq.c proxy/session/inspect.c \
	proxy/session/inspect_answer.c proxy/session/inspect_ask.c \
	proxy/session/inspect_attach.c \
	proxy/session/limits.c proxy/session/main.c \
	proxy/session/op.c \
	proxy/session/outq.c proxy/session/pool.c proxy/session/rate.c \
	proxy/session/reader.c proxy/session/refusals.c proxy/session/reply.c proxy/session/session.c \
	proxy/session/session_capture.c \
	proxy/session/session_events.c proxy/session/session_import.c \
	proxy/session/session_inspect.c \
	proxy/session/session_peer.c \
	proxy/session/transfer.c proxy/session/transfer_iso.c \
	proxy/session/transfer_recall.c \
	proxy/session/vetted.c proxy/usb/libusb.c base/sealed.c \
	$(base_sandbox_srcs) $(base_core_srcs) $(base_loop_srcs) $(base_tls_srcs) $(wire_srcs) \
	$(facts_srcs) $(decode_srcs) $(table_srcs)
sallyport-session_libs := -lev -lusb-1.0 $(MBEDTLS) -lseccomp

sallyport-probe_dir := $(LIBEXECDIR)
sallyport-probe_srcs := proxy/session/probe.c \
	proxy/session/probe_confine.c proxy/session/probe_main.c \
	proxy/session/reader.c proxy/session/texts.c proxy/usb/libusb.c \
	$(base_sandbox_srcs) $(base_core_srcs) $(base_loop_srcs) $(wire_srcs) $(vet_srcs)
sallyport-probe_libs := -lev -lusb-1.0 -lseccomp

# The gateway's key, where no session is to have it: it signs, and speaks no TLS.
sallyport-signer_dir := $(LIBEXECDIR)
sallyport-signer_srcs := proxy/signer/confine.c proxy/signer/main.c \
	proxy/signer/signer.c base/tls_config.c base/tls_key.c \
	base/tls_signer.c base/tls_text.c base/x509.c base/x509_crl.c \
	$(base_sandbox_srcs) $(base_core_srcs) $(base_loop_srcs) \
	wire/identity.c wire/ipc.c wire/ipc_signer.c wire/place.c \
	wire/usbip_check.c
sallyport-signer_libs := -lev -lmbedx509 -lmbedcrypto -lseccomp

sallyport-capture_dir := $(LIBEXECDIR)
sallyport-capture_srcs := proxy/capture/confine.c proxy/capture/main.c proxy/capture/recorder.c \
	$(base_sandbox_srcs) $(base_core_srcs) $(wire_srcs) $(facts_srcs)
sallyport-capture_libs := -lpcap -ljansson -lseccomp

# no wire/, no policy/: it has HTTP and numbers
sallyport-metrics_dir := $(SBINDIR)
sallyport-metrics_srcs := proxy/metrics/ask.c proxy/metrics/confine.c \
	proxy/metrics/http.c proxy/metrics/main.c proxy/metrics/text.c \
	$(base_core_srcs) $(base_sandbox_srcs) $(base_loop_srcs)
sallyport-metrics_libs := -lmicrohttpd -ljansson -lev -lseccomp

sallyport-fetch_dir := $(LIBEXECDIR)
sallyport-fetch_srcs := proxy/fetch/confine.c proxy/fetch/file.c \
	proxy/fetch/http.c proxy/fetch/main.c proxy/fetch/parcel.c \
	proxy/fetch/post.c proxy/fetch/server.c base/sealed.c \
	$(base_core_srcs) $(base_resolver_srcs) $(base_sandbox_srcs) \
	$(wire_srcs)
sallyport-fetch_libs := -lcurl -lseccomp

sallyctl_dir := $(BINDIR)
sallyctl_srcs := proxy/ctl/ask.c proxy/ctl/asks.c proxy/ctl/audit.c \
	proxy/ctl/audit_check.c \
	proxy/ctl/audit_files.c proxy/ctl/audit_search.c proxy/ctl/main.c \
	proxy/ctl/serve.c proxy/ctl/show.c proxy/ctl/time.c \
	proxy/ctl/top.c proxy/ctl/top_model.c proxy/ctl/units.c \
	proxy/ctl/watch.c base/chain.c base/digest.c base/digest_hmac.c \
	base/file.c base/usbids.c wire/class_words.c \
	$(base_core_srcs) $(verdict_srcs)
sallyctl_libs := -ljansson -lmbedcrypto -lncursesw -ltinfo

sallyport_dir := $(BINDIR)
sallyport_srcs := vhci-glue/agent.c vhci-glue/agent_ask.c \
	vhci-glue/agent_confine.c \
	vhci-glue/agent_gateway.c vhci-glue/agent_people.c \
	vhci-glue/agent_sock.c vhci-glue/agent_work.c vhci-glue/approval.c \
	vhci-glue/attach.c vhci-glue/attached.c vhci-glue/desks.c vhci-glue/detach.c \
	vhci-glue/enroll.c vhci-glue/gateway.c vhci-glue/imported.c \
	vhci-glue/keys.c vhci-glue/kinds.c vhci-glue/known.c \
	vhci-glue/launch.c \
	vhci-glue/link.c vhci-glue/list.c vhci-glue/main.c vhci-glue/nodes.c \
	vhci-glue/notices.c vhci-glue/notify.c \
	vhci-glue/off.c \
	vhci-glue/offers.c \
	vhci-glue/opts.c vhci-glue/owner.c vhci-glue/plan.c \
	vhci-glue/ports.c vhci-glue/seat.c vhci-glue/status.c \
	vhci-glue/tunnel.c vhci-glue/uids.c \
	vhci-glue/vhci.c vhci-glue/watch.c vhci-glue/words.c \
	base/conf.c base/file.c base/spawn.c base/userns.c base/usbids.c wire/enroll.c \
	wire/ipc_enroll.c $(base_core_srcs) $(base_sandbox_srcs) $(wire_srcs)
sallyport_libs := -linih -ljansson -lseccomp

sallyport-relay_dir := $(LIBEXECDIR)
sallyport-relay_srcs := vhci-glue/accept.c vhci-glue/downlink.c \
	vhci-glue/drain.c vhci-glue/imported.c vhci-glue/look.c \
	vhci-glue/pending.c vhci-glue/rebuild.c vhci-glue/relay.c \
	vhci-glue/relay_confine.c vhci-glue/relay_events.c vhci-glue/relay_main.c \
	vhci-glue/relay_opts.c vhci-glue/relay_tunnel.c \
	vhci-glue/remote.c vhci-glue/seen.c vhci-glue/uplink.c base/net.c \
	$(base_resolver_srcs) \
	$(base_sandbox_srcs) $(base_core_srcs) $(base_loop_srcs) $(base_tls_srcs) $(wire_srcs) \
	$(rules_srcs)
sallyport-relay_libs := -lev $(MBEDTLS) -lseccomp

sallyport-reader_dir := $(LIBEXECDIR)
sallyport-reader_srcs := vhci-glue/event.c vhci-glue/reader_confine.c \
	vhci-glue/reader_main.c $(base_sandbox_srcs) $(base_core_srcs) $(wire_srcs)
sallyport-reader_libs := -ljansson -lseccomp

sallyport-desks_dir := $(LIBEXECDIR)
sallyport-desks_srcs := vhci-glue/desks_confine.c vhci-glue/desks_main.c \
	$(base_sandbox_srcs) $(base_core_srcs) $(wire_srcs)
sallyport-desks_libs := -lsystemd -lseccomp

# A user's, on his own bus: what it knows the agent told it.
sallyport-notify_dir := $(LIBEXECDIR)
sallyport-notify_srcs := vhci-glue/notify_main.c base/clock.c base/log.c \
	base/mem.c
sallyport-notify_libs := -lsystemd -ljansson

sallyport-policy_dir := $(BINDIR)
sallyport-policy_srcs := policy/tool/bundle.c policy/tool/bundle_create.c \
	policy/tool/bundle_diff.c policy/tool/bundle_file.c \
	policy/tool/bundle_sign.c policy/tool/check.c policy/tool/cmd.c \
	policy/tool/device.c \
	policy/tool/devtext.c \
	policy/tool/explain.c policy/tool/explain_unit.c \
	policy/tool/files.c policy/tool/fmt.c \
	policy/tool/hash.c policy/tool/identity.c policy/tool/import.c \
	policy/tool/inside.c \
	policy/tool/json.c policy/tool/json_facts.c policy/tool/lint.c \
	policy/tool/judges.c policy/tool/main.c \
	policy/tool/profile_files.c policy/tool/replay.c \
	policy/tool/replay_cmd.c policy/tool/replay_device.c \
	policy/tool/suite.c \
	policy/tool/suite_unit.c policy/tool/sysfs.c policy/tool/test.c \
	policy/tool/trial.c \
	policy/tool/unit.c policy/tool/usb_file.c \
	policy/tool/verdict.c policy/tool/when.c \
	policy/tool/words.c policy/tool/world.c base/digest.c base/file.c \
	$(base_core_srcs) $(wire_srcs) $(rules_srcs) \
	$(filter-out $(text_srcs),$(profiles_srcs)) $(facts_srcs) \
	$(table_srcs) $(explain_srcs) $(decode_srcs) $(bundle_srcs) \
	base/sign_make.c
sallyport-policy_libs := -ljansson -lmbedcrypto -lpcap

# A bundle's own tests, on a gateway: of the tool what they need.
sallyport-trial_dir := $(LIBEXECDIR)
sallyport-trial_srcs := policy/tool/cmd.c policy/tool/device.c \
	policy/tool/files.c policy/tool/hash.c policy/tool/identity.c \
	policy/tool/inside.c policy/tool/json.c policy/tool/json_facts.c \
	policy/tool/judges.c policy/tool/profile_files.c policy/tool/suite.c \
	policy/tool/suite_unit.c policy/tool/sysfs.c policy/tool/test.c \
	policy/tool/trial.c policy/tool/trial_confine.c \
	policy/tool/trial_main.c policy/tool/unit.c policy/tool/verdict.c \
	policy/tool/when.c policy/tool/words.c policy/tool/world.c \
	base/digest.c base/file.c \
	$(base_core_srcs) $(wire_srcs) $(rules_srcs) \
	$(filter-out $(text_srcs),$(profiles_srcs)) $(facts_srcs) \
	$(table_srcs) $(explain_srcs) $(bundle_srcs) $(base_sandbox_srcs)
sallyport-trial_libs := -ljansson -lmbedcrypto -lseccomp

sallyport-certs_dir := $(BINDIR)
sallyport-certs_srcs := certs/ca.c certs/crl.c certs/crl_facts.c certs/desk.c \
	certs/ext.c certs/facts.c certs/file.c certs/fronts.c certs/init.c \
	certs/issue.c certs/issued.c certs/key.c certs/main.c certs/name.c \
	certs/names.c certs/opt.c certs/publish.c certs/renew.c \
	certs/revoke.c certs/revoked.c certs/say.c certs/serve.c \
	certs/serve_confine.c certs/show.c \
	certs/text.c certs/token.c certs/tokens.c certs/when.c certs/who.c \
	base/digest.c base/net.c base/sign.c base/spawn.c base/userns.c base/x509.c \
	base/x509_crl.c $(base_core_srcs) $(base_loop_srcs) \
	$(base_sandbox_srcs) $(enroll_srcs)
sallyport-certs_libs := -lev -lmbedx509 -lmbedcrypto -ljansson -lseccomp

# Who speaks with a stranger for it: TLS, and nothing of a CA.
sallyport-front_dir := $(LIBEXECDIR)
sallyport-front_srcs := certs/front_confine.c certs/front_main.c certs/talk.c \
	base/tls_enroll.c $(base_core_srcs) $(base_sandbox_srcs) \
	$(base_tls_srcs) $(enroll_srcs)
sallyport-front_libs := $(MBEDTLS) -lseccomp

# Who speaks with that server for `sallyport enroll'.
sallyport-enroll_dir := $(LIBEXECDIR)
sallyport-enroll_srcs := certs/enroll_confine.c certs/enroll_main.c \
	certs/enrolled.c certs/key.c \
	certs/talk.c base/digest.c base/net.c base/sign.c base/sign_make.c \
	base/tls_enroll.c $(base_core_srcs) $(base_resolver_srcs) \
	$(base_sandbox_srcs) $(base_tls_srcs) $(enroll_srcs)
sallyport-enroll_libs := $(MBEDTLS) -lseccomp

# ---------------------------------------------------------------------------
# Tests: name, sources, libraries (cmocka is added to the unit tests)

include tests/tests.mk

# ---------------------------------------------------------------------------
# Rules

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all install-system check test test-long attack attack-build bench \
	deb-test demo images image-test site docs-output scene screens \
	install clean help lint deps \
	coverage fault fuzz fuzz-build memcheck tests unit-build
.DEFAULT_GOAL := all

bins := $(programs:%=$(O)/bin/%)
verdict_lib := $(O)/lib/libsallyport-verdict.a
all: $(bins) $(verdict_lib)

obj = $(patsubst %.c,$(O)/obj/%.o,$(patsubst $(O)/gen/%,gen/%,$(1)))

define program_rule
$(O)/bin/$(1): $(call obj,$($(1)_srcs) $(faults)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $($(1)_libs)
objs += $(call obj,$($(1)_srcs))
endef
objs :=
$(foreach p,$(programs),$(eval $(call program_rule,$(p))))

$(verdict_lib): $(call obj,$(verdict_srcs)) $(O)/flags
	@mkdir -p $(@D)
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)
objs += $(call obj,$(verdict_srcs))

define unit_rule
$(O)/tests/$(1): $(call obj,$($(1)_srcs) $(faults)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $($(1)_libs) -lcmocka
objs += $(call obj,$($(1)_srcs))
endef
$(foreach t,$(unit_tests),$(eval $(call unit_rule,$(t))))

# A fuzz target is linked with libFuzzer in the fuzz variant, and in every other
# one with tests/fuzz/replay.c, which runs it over its corpus as a plain test.
define fuzz_rule
$(O)/fuzz/$(1): $(call obj,$($(1)_srcs) $(faults) \
		$(if $(fuzzing),,tests/fuzz/replay.c)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(fuzzing) $$(LDFLAGS) \
		-o $$@ $$(filter %.o,$$^) $($(1)_libs)
objs += $(call obj,$($(1)_srcs))
endef
$(foreach f,$(fuzz_targets),$(eval $(call fuzz_rule,$(f))))
objs += $(call obj,tests/fuzz/replay.c tests/fault/fault.c)

$(O)/bench/bench: $(call obj,$(bench_srcs)) $(O)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) $(link) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(bench_libs)
objs += $(call obj,$(bench_srcs))

# The gateway that is attacked: its programs lie together, as they are
# installed, those that touch no device being the product's.
attack_links := sallyport-warden sallyport-capture sallyport sallyport-relay \
	sallyport-reader sallyport-desks sallyport-fetch sallyport-signer \
	sallyport-trial
define attack_rule
$(O)/attack/$(1): $(call obj,$(attack-$(1)_srcs)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $(attack-$(1)_libs)
objs += $(call obj,$(attack-$(1)_srcs))
endef
$(foreach p,$(attack_programs),$(eval $(call attack_rule,$(p))))

$(O)/attack/attack: $(call obj,$(attack_srcs)) $(O)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) $(link) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(attack_libs)
objs += $(call obj,$(attack_srcs))

# Honest workstations of the same stage.
define guest_rule
$(O)/attack/$(1): $(call obj,$($(1)_srcs)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $($(1)_libs)
objs += $(call obj,$($(1)_srcs))
endef
$(foreach p,hold desktops keyholder lists win2,$(eval $(call guest_rule,$(p))))

$(attack_links:%=$(O)/attack/%): $(O)/attack/%: $(O)/bin/%
	@mkdir -p $(@D)
	@ln -sf ../bin/$* $@

attack_all := $(O)/attack/attack $(O)/attack/hold $(O)/attack/desktops \
	$(O)/attack/keyholder $(O)/attack/lists $(O)/attack/win2 \
	$(attack_programs:%=$(O)/attack/%) \
	$(attack_links:%=$(O)/attack/%)

# Built as whoever has the library installed builds it.
$(O)/examples/verdict-dlp: docs/examples/verdict-dlp.c $(verdict_lib)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) -Iverdict $(link) $(LDFLAGS) -o $@ \
		$^ -ljansson
# The same, but that somebody's code runs in its session and its probe. Warden,
# capture and broker are those above.
broken_programs := sallyport-session sallyport-probe
define broken_rule
$(O)/broken/$(1): $(call obj,$(attack-$(1)_srcs) $(broken_door_srcs)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $(attack-$(1)_libs) $(broken_door_libs)
objs += $(call obj,$(broken_door_srcs))
endef
$(foreach p,$(broken_programs),$(eval $(call broken_rule,$(p))))

$(O)/broken/broken: $(call obj,$(broken_srcs)) $(O)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) $(link) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(broken_libs)
objs += $(call obj,$(broken_srcs))

# The same with several devices.
define scene_rule
$(O)/scene/$(1): $(call obj,$(scene-$(1)_srcs)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $(attack-$(1)_libs)
endef
$(foreach p,$(scene_programs),$(eval $(call scene_rule,$(p))))
$(O)/scene/things: $(call obj,$(things_srcs)) $(O)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) $(link) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(things_libs)
objs += $(call obj,tests/docs/things.c tests/docs/things_main.c \
	tests/docs/things_plug.c)
scene_links := sallyportd sallyport-warden sallyport-capture
$(scene_links:%=$(O)/scene/%): $(O)/scene/%: $(O)/attack/%
	@mkdir -p $(@D)
	@cp -Lf $< $@
scene_all := $(O)/attack/hold $(O)/scene/things \
	$(scene_programs:%=$(O)/scene/%) $(scene_links:%=$(O)/scene/%)

# No symbolic link of the one who looks beside itself for the others.
broken_links := sallyportd sallyport-warden sallyport-capture sallyport-signer
$(broken_links:%=$(O)/broken/%): $(O)/broken/%: $(O)/attack/%
	@mkdir -p $(@D)
	@cp -Lf $< $@

attack_all += $(scene_all) $(O)/broken/broken $(broken_programs:%=$(O)/broken/%) \
	$(broken_links:%=$(O)/broken/%)

# Programs that only the tests in guests use.
define vm_rule
$(O)/vm/$(1): $(call obj,$($(1)_srcs)) $(O)/flags
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(cflags) $$(link) $$(LDFLAGS) -o $$@ \
		$$(filter %.o,$$^) $($(1)_libs)
objs += $(call obj,$($(1)_srcs))
endef
$(foreach p,$(vm_tools),$(eval $(call vm_rule,$(p))))

unit-build: $(unit_tests:%=$(O)/tests/%)
attack-build: $(attack_all)
tests: unit-build $(fuzz_targets:%=$(O)/fuzz/%) \
	$(vm_tools:%=$(O)/vm/%) $(attack_all) $(O)/examples/verdict-dlp
fuzz-build: $(fuzz_targets:%=$(O)/fuzz/%)

$(O)/obj/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) -MMD -MP -c -o $@ $<
	$(if $(inject),@$(inject))

$(O)/obj/gen/%.o: $(O)/gen/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) -MMD -MP -c -o $@ $<
	$(if $(inject),@$(inject))

$(O)/gen/%.c $(O)/gen/%.h: %.y
	@mkdir -p $(@D)
	$(call say,YACC,$<)$(BISON) -Wall -Werror -d -o $(O)/gen/$*.c $<

# Whatever includes the generated header needs it first.
$(call obj,$(filter policy/rules/%,$(rules_srcs))): | \
	$(O)/gen/policy/rules/parse.h
$(call obj,$(filter policy/profiles/%,$(profiles_srcs))): | \
	$(O)/gen/policy/profiles/parse.h

# Changed flags rebuild everything.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(cflags) $(link) $(LDFLAGS))' \
		| cmp -s - $@ || printf '%s\n' \
		'$(subst ','\'',$(CC) $(cflags) $(link) $(LDFLAGS))' > $@
FORCE:

-include $(sort $(objs:.o=.d))

# ---------------------------------------------------------------------------
# What a person runs

deps:
	tests/deps

check: all tests
	@tests/reach tests/check $(O)

test:
	@tests/deps
	@tests/reach tests/full

test-long:
	@tests/deps
	@tests/reach tests/long $(T)

attack: all $(attack_all)
	@tests/reach $(O)/attack/attack $(ARGS)
	@[ -n "$(ARGS)" ] || tests/reach $(O)/broken/broken

# Each call that can fail does, in the scenarios and in the unit tests; all of
# them with POINTS=0.
POINTS ?= 12
fault:
	@$(MAKE) -s --no-print-directory VARIANT=fault \
		$(fault_tests:%=$(B)/fault/tests/test_%)
	@tests/reach tests/fault/run $(B)/fault $(POINTS) $(filter-out sim_faults,$(fault_tests))

# Clean at the end, as valgrind sees it: a sample.
memcheck: $(memcheck_tests:%=$(O)/tests/test_%)
	@for t in $^; do \
		valgrind -q --leak-check=full --error-exitcode=9 \
			--errors-for-leak-kinds=definite,indirect,possible \
			$$t >$(O)/memcheck.log 2>&1 && echo "ok - $${t##*/}" || \
			{ tail -n 40 $(O)/memcheck.log; exit 1; }; \
	done

# Lines that tests and corpora run.
coverage:
	@$(MAKE) -s --no-print-directory VARIANT=cov all unit-build fuzz-build
	@tests/reach tests/coverage $(B)/cov

# One target, or each in turn; they are always of the fuzz variant.
T ?=
FOR ?= 60s
fuzz:
	@$(MAKE) -s --no-print-directory VARIANT=fuzz \
		$(if $(T),$(T:%=$(B)/fuzz/fuzz/fuzz_%),fuzz-build)
	@tests/fuzz/run $(B)/fuzz $(FOR) \
		$(if $(T),$(T),$(fuzz_targets:fuzz_%=%))

bench: $(O)/bench/bench
	@tests/reach $(O)/bench/bench $(ARGS)

deb-test:
	@tests/deb-test

# Archives for `docker load' in build/images, and what has to hold of them.
images:
	@docker/build $(B)/images

image-test:
	@tests/image-test $(B)/images

demo:
	@tests/deps
	@$(MAKE) --no-print-directory all
	@tests/demo/run

# What commands print, in the documents.
docs-output: all
	@tests/docs/output $(O)/bin README.md docs/*.md

# Pictures in the documents, of real programs; as root.
screens: all $(scene_all)
	@tests/docs/screens

# A gateway with devices to look at, and a shell; as root.
scene: all $(scene_all)
	@tests/docs/scene bash

# No program is needed: the documents alone.
site:
	@docs/site/build $(B)/site
	@docs/site/check $(B)/site

lint:
	mandoc -Tlint -Wwarning $(man_pages)

man_pages := $(wildcard proxy/*/*.[1-8] vhci-glue/*.[1-8] policy/*/*.[1-8] \
	certs/*.[1-8] docs/*.[1-8])

stock_profiles := $(wildcard policy/profiles/stock/*.profile)

completions := vhci-glue/sallyport.bash policy/tool/sallyport-policy.bash \
	proxy/ctl/sallyctl.bash proxy/metrics/sallyport-metrics.bash \
	certs/sallyport-certs.bash
zsh_completions := $(completions:.bash=.zsh)
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions

# For systemd and its kin, beside the program that each is about.
units := proxy/broker/sallyportd.service vhci-glue/sallyport-agent.service \
	vhci-glue/sallyport-tunnel@.service \
	proxy/metrics/sallyport-metrics.service certs/sallyport-certs.service
sysusers := proxy/broker/sallyport-gateway.sysusers \
	vhci-glue/sallyport-workstation.sysusers certs/sallyport-policy.sysusers
tmpfiles := $(sysusers:.sysusers=.tmpfiles)
SYSLIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(SYSLIBDIR)/systemd/system
USERUNITDIR ?= $(SYSLIBDIR)/systemd/user
UDEVDIR ?= $(SYSLIBDIR)/udev
SLEEPDIR ?= $(SYSLIBDIR)/systemd/system-sleep
presets := proxy/broker/90-sallyport-gateway.preset \
	vhci-glue/90-sallyport-workstation.preset certs/90-sallyport-policy.preset

install: all install-system
	$(foreach p,$(programs),$(INSTALL) -D -m 0755 $(O)/bin/$(p) \
		$(DESTDIR)$($(p)_dir)/$(p) && ) true
	$(foreach m,$(man_pages),$(INSTALL) -D -m 0644 $(m) \
		$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)) \
		&& ) true
	$(INSTALL) -D -m 0755 vhci-glue/sallyport.sleep \
		$(DESTDIR)$(SLEEPDIR)/sallyport
	$(foreach c,$(completions),$(INSTALL) -D -m 0644 $(c) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(basename \
		$(notdir $(c))) && ) true
	$(foreach c,$(zsh_completions),$(INSTALL) -D -m 0644 $(c) \
		$(DESTDIR)$(ZSHDIR)/_$(basename $(notdir $(c))) && ) true
	$(INSTALL) -D -m 0644 verdict/sallyport-verdict.h \
		$(DESTDIR)$(INCLUDEDIR)/sallyport-verdict.h
	$(INSTALL) -D -m 0644 $(verdict_lib) \
		$(DESTDIR)$(LIBDIR)/libsallyport-verdict.a
	$(foreach f,$(stock_profiles),$(INSTALL) -D -m 0644 $(f) \
		$(DESTDIR)$(PROFILEDIR)/$(notdir $(f)) && ) true
	$(INSTALL) -d -m 0755 $(DESTDIR)$(SYSCONFDIR)/sallyport/rules.d \
		$(DESTDIR)$(SYSCONFDIR)/sallyport/profiles.d
	$(INSTALL) -d -m 0700 $(DESTDIR)$(SYSCONFDIR)/sallyport/tls
	$(INSTALL) -D -m 0644 docs/examples/gateway.conf \
		$(DESTDIR)$(SYSCONFDIR)/sallyport/gateway.conf.example
	$(INSTALL) -D -m 0644 docs/examples/workstation.conf \
		$(DESTDIR)$(SYSCONFDIR)/sallyport/workstation.conf.example

install-system:
	$(INSTALL) -d $(DESTDIR)$(USERUNITDIR)
	sed 's|/usr/bin/sally|$(BINDIR)/sally|' vhci-glue/sallyport-notify.service \
		> $(DESTDIR)$(USERUNITDIR)/sallyport-notify.service
	chmod 0644 $(DESTDIR)$(USERUNITDIR)/sallyport-notify.service
	$(INSTALL) -D -m 0644 vhci-glue/90-sallyport-workstation.user-preset \
		$(DESTDIR)$(SYSLIBDIR)/systemd/user-preset/90-sallyport-workstation.preset
	$(foreach u,$(units),$(INSTALL) -d $(DESTDIR)$(UNITDIR) && \
		sed 's|/usr/sbin/|$(SBINDIR)/|; s|/usr/bin/sally|$(BINDIR)/sally|' \
		$(u) > $(DESTDIR)$(UNITDIR)/$(notdir $(u)) && ) true
	chmod 0644 $(foreach u,$(units),'$(DESTDIR)$(UNITDIR)/$(notdir $(u))')
	$(foreach p,$(presets),$(INSTALL) -D -m 0644 $(p) \
		$(DESTDIR)$(SYSLIBDIR)/systemd/system-preset/$(notdir $(p)) && ) \
		true
	$(foreach f,$(sysusers),$(INSTALL) -D -m 0644 $(f) \
		$(DESTDIR)$(SYSLIBDIR)/sysusers.d/$(basename $(notdir $(f))).conf \
		&& ) true
	$(foreach f,$(tmpfiles),$(INSTALL) -D -m 0644 $(f) \
		$(DESTDIR)$(SYSLIBDIR)/tmpfiles.d/$(basename $(notdir $(f))).conf \
		&& ) true
	$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/apparmor.d
	sed 's|/usr/sbin/sally|$(SBINDIR)/sally|; s|/usr/libexec/sallyport|$(LIBEXECDIR)|; s|/usr/share/sallyport/profiles|$(PROFILEDIR)|' \
		proxy/broker/sallyportd.apparmor \
		> $(DESTDIR)$(SYSCONFDIR)/apparmor.d/sallyportd
	chmod 0644 $(DESTDIR)$(SYSCONFDIR)/apparmor.d/sallyportd
	$(INSTALL) -D -m 0644 vhci-glue/sallyport-workstation.modules \
		$(DESTDIR)$(SYSLIBDIR)/modules-load.d/sallyport-workstation.conf
	$(INSTALL) -D -m 0644 proxy/broker/72-sallyport.rules \
		$(DESTDIR)$(UDEVDIR)/rules.d/72-sallyport.rules

clean:
	rm -rf $(O)

help:
	@sed -n '2,19s/^# \{0,1\}//p' Makefile
	@printf '%s\n' \
	'  make deps       install what building and testing need (apt)' \
	'  make tests      build the unit tests and fuzz targets' \
	'  make test-long T=NAME   one test at full size, resumable' \
	'  make lint       man pages' \
	'  make docs-output   what commands print, in the documents, anew' \
	'  make screens    the pictures in the documents, anew' \
	'  make scene      a shell on a gateway with simulated devices' \
	'  make memcheck   a sample of the unit tests under valgrind' \
	'  make deb-test   Debian packages: build, install, purge' \
	'  make fuzz-build VARIANT=fuzz   the fuzz targets with libFuzzer' \
	'Variables: VARIANT=release|debug|trace|asan|cov|fuzz|fault CC CFLAGS WERROR=-Werror V=1'
