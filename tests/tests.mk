# What each test links: the modules under test and their fakes, nothing else.
# Programs for the tests in guests: tests/vm/softdev has software devices,
# tests/vm/fidokey the key behind a HID gadget.
vm_tools := ffs_int fidokey liargw liarurbs simgw softdev uevents urbs \
	usbtest xfer
ffs_int_srcs := tests/vm/ffs_int.c
ffs_int_libs := -pthread
uevents_srcs := tests/vm/uevents.c
uevents_libs :=
urbs_srcs := tests/vm/urbs.c
urbs_libs :=
usbtest_srcs := tests/vm/usbtest.c
usbtest_libs :=
xfer_srcs := tests/vm/xfer.c
xfer_libs :=
fidokey_srcs := tests/vm/fidokey/cbor.c tests/vm/fidokey/ctap2.c \
	tests/vm/fidokey/fidokey.c
fidokey_libs := -lmbedcrypto
softdev_srcs := tests/vm/softdev/camera.c tests/vm/softdev/dfu.c \
	tests/vm/softdev/liar.c tests/vm/softdev/microphone.c \
	tests/vm/softdev/models.c tests/vm/softdev/mute.c \
	tests/vm/softdev/softdev.c tests/vm/softdev/typist.c
softdev_libs := -lusbredirparser

# $(call unit,NAME,SOURCES,LIBS) is tests/unit/test_NAME.c with its modules;
# cmocka is added. $(call fuzz,NAME,SOURCES) is tests/fuzz/fuzz_NAME.c.

unit_tests :=
fuzz_targets :=

define unit
unit_tests += test_$(1)
test_$(1)_srcs := tests/unit/test_$(1).c $(2)
test_$(1)_libs := $(3)
endef

define fuzz
fuzz_targets += fuzz_$(1)
fuzz_$(1)_srcs := tests/fuzz/fuzz_$(1).c $(2)
endef

comma := ,
wrap = $(foreach f,$(1),-Wl$(comma)--wrap=$(f))

# wire/
desc_srcs := wire/desc.c wire/desc_bos.c wire/desc_check.c wire/desc_class.c \
	wire/desc_endpoint.c wire/desc_string.c
record_srcs := $(desc_srcs) wire/waiver.c wire/devrec.c wire/devrec_check.c \
	wire/devrec_compare.c wire/devrec_expose.c wire/devrec_uas.c \
	wire/hid_state.c
ipc_srcs := wire/desc.c wire/desc_string.c wire/devrec.c wire/ipc.c wire/ipc_import.c \
	wire/ipc_enroll.c wire/ipc_fetch.c wire/ipc_inspect.c \
	wire/ipc_item.c wire/ipc_relay.c wire/ipc_signer.c wire/place.c \
	wire/usbip.c wire/usbip_check.c

$(eval $(call unit,usbip,wire/usbip.c))
$(eval $(call unit,usbip_check,wire/usbip_check.c))
$(eval $(call unit,desc,$(desc_srcs)))
$(eval $(call unit,desc_check,$(desc_srcs)))
$(eval $(call unit,desc_class,$(desc_srcs)))
$(eval $(call unit,desc_string,$(desc_srcs)))
$(eval $(call unit,devrec,$(record_srcs)))
$(eval $(call unit,devrec_check,$(record_srcs)))
$(eval $(call unit,devrec_uas,$(record_srcs)))
$(eval $(call unit,devrec_expose,$(record_srcs)))
$(eval $(call unit,place,wire/place.c wire/usbip_check.c))
$(eval $(call unit,identity,wire/identity.c))
$(eval $(call unit,ipc,$(ipc_srcs)))
$(eval $(call unit,ipc_values,$(ipc_srcs)))
$(eval $(call unit,enroll,wire/enroll.c))

$(eval $(call fuzz,usbip,wire/usbip.c wire/usbip_check.c))
$(eval $(call fuzz,usbip_iso,wire/usbip.c wire/usbip_check.c))
$(eval $(call fuzz,usbip_op,wire/usbip.c wire/usbip_check.c))
$(eval $(call fuzz,desc,$(desc_srcs)))
$(eval $(call fuzz,desc_parts,$(desc_srcs)))
$(eval $(call fuzz,devrec,$(record_srcs)))
$(eval $(call fuzz,expose,$(record_srcs)))
$(eval $(call fuzz,identity,wire/identity.c))
$(eval $(call fuzz,ipc,$(ipc_srcs)))
$(eval $(call fuzz,enroll_request,wire/enroll.c))
$(eval $(call fuzz,enroll_reply,wire/enroll.c))

# base/
$(eval $(call unit,mem,base/mem.c))
$(eval $(call unit,log,$(base_core_srcs)))
$(eval $(call unit,channel,$(base_core_srcs)))
$(eval $(call unit,loop,$(base_core_srcs) base/loop.c,-lev))
$(eval $(call unit,stream,$(base_core_srcs) base/stream.c))
$(eval $(call unit,file,$(base_core_srcs) base/file.c))
$(eval $(call unit,sealed,base/sealed.c $(base_core_srcs)))
$(eval $(call unit,digest,$(base_core_srcs) base/digest.c,-lmbedcrypto))
$(eval $(call unit,conf,$(base_core_srcs) base/conf.c base/file.c,-linih))
$(eval $(call unit,net,$(base_core_srcs) base/net.c))
$(eval $(call unit,spawn,$(base_core_srcs) base/spawn.c $(base_sandbox_srcs), \
	-lseccomp))
$(eval $(call unit,sandbox,$(base_core_srcs) $(base_sandbox_srcs),-lseccomp))
$(eval $(call unit,confine,tests/fake/attempts.c \
	base/loop.c base/spawn.c base/userns.c certs/enroll_confine.c certs/front_confine.c \
	certs/serve_confine.c \
	policy/tool/trial_confine.c proxy/broker/confine.c \
	proxy/capture/confine.c proxy/fetch/confine.c proxy/metrics/confine.c \
	proxy/session/confine.c proxy/session/limits.c \
	proxy/session/probe_confine.c proxy/signer/confine.c \
	proxy/warden/confine.c \
	vhci-glue/agent_confine.c vhci-glue/desks_confine.c \
	vhci-glue/reader_confine.c \
	vhci-glue/relay_confine.c $(base_core_srcs) $(base_sandbox_srcs) \
	$(base_resolver_srcs) \
	wire/ipc.c wire/place.c wire/usbip_check.c,-lev -lseccomp -ljansson))

pki_srcs := tests/fake/pki.c tests/fake/tlsbed.c
tls_test_srcs := $(base_core_srcs) $(base_tls_srcs) $(pki_srcs)
$(eval $(call unit,tls,$(tls_test_srcs),$(MBEDTLS)))
$(eval $(call unit,tls_io,$(tls_test_srcs),$(MBEDTLS)))
$(eval $(call unit,tls_signer,$(tls_test_srcs) base/tls_key.c,$(MBEDTLS)))
$(eval $(call unit,tls_key,$(tls_test_srcs) tests/fake/hunt.c,$(MBEDTLS)))
$(eval $(call unit,key_wiped,$(tls_test_srcs) tests/fake/hunt.c \
	base/file.c \
	base/spawn.c base/userns.c $(wire_srcs),$(MBEDTLS)))
$(eval $(call unit,x509,$(tls_test_srcs),$(MBEDTLS)))
$(eval $(call unit,x509_crl,$(tls_test_srcs),$(MBEDTLS)))

# certs/
certs_test_srcs := $(filter-out certs/main.c $(tls_test_srcs), \
	$(sallyport-certs_srcs))
$(eval $(call unit,certs_crl,$(certs_test_srcs) $(tls_test_srcs), \
	-ljansson -lev $(MBEDTLS) -lseccomp))
desk_srcs := $(filter-out certs/main.c,$(sallyport-certs_srcs)) base/sign_make.c
$(eval $(call unit,desk,$(desk_srcs), \
	-ljansson -lev -lmbedx509 -lmbedcrypto -lseccomp))

# policy/
rules_test_srcs := $(rules_srcs) wire/desc.c wire/desc_string.c wire/devrec.c \
	wire/hid_state.c
$(foreach t,rules rules_to rules_load rules_world rules_include rules_index rules_layers rules_overlap \
	rules_print rules_golden rules_device, \
	$(eval $(call unit,$(t),$(rules_test_srcs))))
$(eval $(call unit,rules_foreign,$(rules_test_srcs),-lusbredirparser))
$(eval $(call unit,hid,policy/rules/hid.c wire/hid_state.c))
$(eval $(call unit,policy_when,policy/tool/when.c))
$(eval $(call fuzz,rules,$(rules_test_srcs)))
$(eval $(call fuzz,foreign,$(rules_test_srcs)))
$(eval $(call fuzz,hid,policy/rules/hid.c wire/hid_state.c))

# proxy/broker
$(eval $(call unit,requests,proxy/broker/requests.c proxy/broker/keys.c \
	$(base_core_srcs) base/loop.c base/file.c base/sealed.c $(wire_srcs),-lev))
$(eval $(call unit,atboot,proxy/broker/atboot.c proxy/broker/attr.c \
	base/file.c $(base_core_srcs)))
$(eval $(call unit,roots,proxy/broker/attr.c proxy/broker/roots.c \
	base/file.c $(base_core_srcs)))
$(eval $(call unit,gateway_conf,proxy/conf.c base/conf.c base/file.c \
	$(base_core_srcs),-linih))

# proxy/signer
$(eval $(call unit,signer,proxy/signer/signer.c base/tls_key.c \
	tests/fake/virtual.c $(filter-out base/clock.c,$(tls_test_srcs)) \
	wire/ipc.c wire/ipc_signer.c wire/place.c wire/usbip_check.c, \
	$(MBEDTLS)))

# proxy/warden
$(eval $(call unit,stable,proxy/warden/stable.c base/mem.c))
$(eval $(call unit,facts,proxy/warden/facts.c proxy/warden/facts_json.c \
	proxy/warden/stable.c base/digest.c \
	$(base_core_srcs) $(rules_srcs) $(wire_srcs),-ljansson -lmbedcrypto))
$(eval $(call unit,zone,proxy/warden/zone.c proxy/warden/zones.c base/file.c base/mem.c base/err.c))
$(eval $(call unit,book,proxy/warden/book.c proxy/warden/book_file.c \
	proxy/warden/book_json.c proxy/warden/book_limits.c base/digest.c \
	base/file.c $(base_core_srcs) wire/usbip_check.c,-ljansson -lmbedcrypto))
lease_srcs := $(filter-out proxy/warden/main.c proxy/warden/hotplug.c, \
	$(sallyport-warden_srcs))
lease_libs := -lev -linih -ljansson -lmbedx509 -lmbedcrypto -lseccomp \
	$(call wrap,clock_mono clock_wall)
$(eval $(call unit,sandboxes,$(lease_srcs),$(filter-out -Wl%,$(lease_libs))))
$(eval $(call unit,callers,$(lease_srcs),$(filter-out -Wl%,$(lease_libs))))
$(eval $(call unit,lease,$(lease_srcs),$(lease_libs)))
$(eval $(call unit,control,$(lease_srcs),$(lease_libs)))
$(eval $(call unit,ctl_show,$(filter-out proxy/ctl/main.c,$(sallyctl_srcs)), \
	-ljansson -lmbedcrypto -lncursesw -ltinfo))
$(eval $(call unit,lease_inspect,$(lease_srcs) $(table_srcs),$(lease_libs)))
$(eval $(call unit,verdict,$(lease_srcs),$(lease_libs)))
$(eval $(call unit,verdict_serve,$(lease_srcs),$(lease_libs)))
$(eval $(call unit,verdict_examples,$(lease_srcs),$(lease_libs)))
$(eval $(call unit,verdict_client,$(verdict_srcs) base/mem.c,-ljansson))
$(eval $(call fuzz,verdict,proxy/warden/verdict_line.c base/err.c))
fuzz_verdict_libs := -ljansson
$(eval $(call unit,revoked,tests/fake/pki.c $(lease_srcs),$(lease_libs)))
$(eval $(call unit,expiry,tests/fake/pki.c $(lease_srcs),$(lease_libs)))
$(eval $(call unit,sysfs,proxy/warden/sysfs.c proxy/warden/stable.c \
	base/digest.c $(base_core_srcs) $(rules_srcs) $(wire_srcs), \
	-lmbedcrypto))
$(eval $(call unit,registry,proxy/warden/registry.c proxy/warden/book.c proxy/warden/metrics.c \
	base/digest.c base/loop.c $(base_core_srcs) $(rules_srcs) \
	$(wire_srcs) $(vet_srcs),-lev -lmbedcrypto))
$(eval $(call unit,events,proxy/warden/desks.c proxy/warden/events.c proxy/warden/events_json.c \
	proxy/warden/item.c proxy/warden/stable.c base/loop.c \
	$(base_core_srcs) $(rules_srcs) $(wire_srcs),-lev -ljansson))

$(eval $(call fuzz,zone,proxy/warden/zone.c base/err.c))
$(eval $(call fuzz,book,proxy/warden/book.c proxy/warden/book_json.c \
	base/digest.c base/err.c wire/usbip_check.c))
fuzz_book_libs := -ljansson -lmbedcrypto

# proxy/session: the machine with a simulated device, plain streams, and a clock
# that a test lets run (virtual.c in the place of loop.c and clock.c)
session_core_srcs := $(filter-out proxy/session/main.c \
	proxy/session/confine.c proxy/session/door_tls.c proxy/usb/libusb.c \
	$(base_sandbox_srcs) $(base_tls_srcs) base/loop.c base/clock.c, \
	$(sallyport-session_srcs)) base/stream.c tests/fake/usb_sim.c \
	tests/fake/virtual.c
session_rig_srcs := $(session_core_srcs) tests/fake/session_rig.c
$(foreach t,session session_control session_events session_expose transfer \
	transfer_iso transfer_limits, \
	$(eval $(call unit,$(t),$(session_rig_srcs))))
$(eval $(call unit,counts,$(session_rig_srcs),$(call wrap, \
	malloc calloc realloc send sendmsg write writev)))
$(eval $(call unit,libusb,proxy/usb/libusb.c tests/fake/libusb_fake.c \
	tests/fake/virtual.c tests/fault/fault.c \
	$(filter-out base/clock.c,$(base_core_srcs))))
$(eval $(call unit,floor,proxy/session/floor.c proxy/session/floor_setup.c \
	proxy/session/vetted.c base/err.c $(wire_srcs)))
$(eval $(call unit,probe,proxy/session/probe.c $(session_core_srcs) \
	$(vet_srcs)))
$(eval $(call unit,texts,proxy/session/texts.c $(base_core_srcs) \
	wire/ipc.c wire/place.c wire/usbip_check.c))

# vhci-glue/
relay_core_srcs := vhci-glue/downlink.c vhci-glue/drain.c \
	vhci-glue/pending.c \
	vhci-glue/rebuild.c vhci-glue/relay.c vhci-glue/seen.c \
	vhci-glue/uplink.c base/loop.c base/stream.c $(base_core_srcs) \
	policy/rules/hid.c wire/hid_state.c wire/usbip.c wire/usbip_check.c \
	tests/fake/gateway_fake.c
relay_counted := malloc calloc realloc send recv epoll_ctl
$(eval $(call unit,rebuild,vhci-glue/pending.c vhci-glue/rebuild.c \
	vhci-glue/seen.c tests/fake/gateway_fake.c base/stream.c \
	$(base_core_srcs) policy/rules/hid.c wire/hid_state.c wire/usbip.c \
	wire/usbip_check.c))
$(eval $(call unit,relay,$(relay_core_srcs),-lev))
$(eval $(call unit,relay_hostile,$(relay_core_srcs),-lev))
$(eval $(call unit,relay_count,$(relay_core_srcs), \
	-lev $(call wrap,$(relay_counted))))
$(eval $(call unit,relay_tls,$(pki_srcs) $(filter-out base/stream.c \
	$(wire_srcs),$(relay_core_srcs)) $(base_tls_srcs) $(wire_srcs), \
	-lev $(MBEDTLS)))
$(eval $(call unit,relay_op,vhci-glue/imported.c vhci-glue/remote.c \
	tests/fake/gateway_fake.c $(base_tls_srcs) $(base_core_srcs) \
	$(wire_srcs),$(MBEDTLS)))
$(eval $(call unit,relay_desks,vhci-glue/relay_events.c base/stream.c \
	$(base_core_srcs) $(ipc_srcs)))
$(eval $(call unit,seat,vhci-glue/seat.c vhci-glue/desks.c base/spawn.c base/userns.c \
	$(base_core_srcs) $(ipc_srcs)))
$(eval $(call unit,desks,tests/fake/logind.c vhci-glue/desks.c base/spawn.c base/userns.c $(base_core_srcs) \
	$(ipc_srcs),-lsystemd))
$(eval $(call unit,agent_work,vhci-glue/agent_work.c vhci-glue/gateway.c \
	vhci-glue/kinds.c vhci-glue/plan.c $(base_core_srcs)))
$(eval $(call unit,notices,vhci-glue/notices.c $(base_core_srcs),-ljansson))
$(eval $(call unit,notify,tests/fake/logind.c base/spawn.c base/userns.c \
	$(base_core_srcs),-lsystemd))
$(eval $(call unit,relay_process,tests/fake/gateway_fake.c $(pki_srcs) \
	vhci-glue/known.c base/file.c \
	base/spawn.c base/userns.c $(base_tls_srcs) $(base_core_srcs) $(wire_srcs), \
	$(MBEDTLS)))
$(eval $(call unit,accept,vhci-glue/accept.c vhci-glue/imported.c \
	vhci-glue/look.c vhci-glue/remote.c vhci-glue/seen.c \
	tests/fake/gateway_fake.c $(base_tls_srcs) $(base_core_srcs) \
	$(wire_srcs) $(rules_srcs),$(MBEDTLS)))
$(eval $(call unit,approval,vhci-glue/approval.c vhci-glue/gateway.c vhci-glue/known.c vhci-glue/launch.c \
	vhci-glue/offers.c vhci-glue/uids.c base/usbids.c \
	vhci-glue/words.c wire/class_words.c base/file.c base/spawn.c base/userns.c \
	$(base_core_srcs) $(wire_srcs)))
$(eval $(call unit,event_lines,vhci-glue/event.c $(base_core_srcs) \
	$(wire_srcs),-ljansson))
$(eval $(call unit,owner,vhci-glue/owner.c base/err.c base/mem.c))
$(eval $(call unit,plan,vhci-glue/gateway.c vhci-glue/kinds.c vhci-glue/off.c \
	vhci-glue/plan.c base/file.c $(base_core_srcs)))
$(eval $(call unit,known,vhci-glue/known.c base/file.c $(base_core_srcs)))
$(eval $(call unit,relay_tunnel,vhci-glue/relay_tunnel.c base/stream.c \
	$(base_core_srcs)))
$(eval $(call unit,link,vhci-glue/link.c base/clock.c base/err.c base/mem.c))
$(eval $(call unit,nodes,vhci-glue/nodes.c base/err.c base/mem.c))
$(eval $(call unit,vhci,vhci-glue/gateway.c vhci-glue/imported.c \
	vhci-glue/kinds.c \
	vhci-glue/opts.c vhci-glue/ports.c vhci-glue/uids.c \
	base/usbids.c vhci-glue/vhci.c vhci-glue/words.c wire/class_words.c base/conf.c \
	base/file.c $(base_core_srcs) wire/usbip.c wire/usbip_check.c, \
	-linih -ljansson))

# bench: one program, which runs itself again for each other process
bench_srcs := tests/bench/bench.c tests/bench/count.c tests/bench/echo.c \
	tests/bench/exchange.c tests/bench/flood.c tests/bench/goals.c tests/bench/json.c tests/bench/load.c \
	tests/bench/parts.c tests/bench/policy.c tests/bench/profile.c \
	tests/bench/raw.c \
	tests/bench/relay.c \
	tests/bench/results.c tests/bench/rig.c tests/bench/session.c \
	tests/bench/table.c tests/fake/pki.c tests/fake/usb_sim.c \
	proxy/warden/audit_chain.c proxy/warden/audit_file.c \
	proxy/warden/audit_resume.c \
	proxy/warden/journal.c base/chain.c base/digest.c base/digest_hmac.c \
	$(filter-out proxy/session/main.c proxy/session/confine.c \
	proxy/usb/libusb.c $(base_sandbox_srcs), \
	$(sallyport-session_srcs)) \
	$(filter-out vhci-glue/relay_main.c vhci-glue/relay_confine.c \
	$(base_sandbox_srcs) $(sallyport-session_srcs), \
	$(sallyport-relay_srcs)) base/spawn.c base/userns.c $(rules_srcs) \
	$(filter-out $(text_srcs),$(profiles_srcs))
bench_libs := -lev -ljansson $(MBEDTLS)

simgw_srcs := tests/vm/simgw.c tests/fake/usb_sim.c \
	$(filter-out proxy/session/main.c proxy/session/confine.c \
	proxy/usb/libusb.c $(base_sandbox_srcs), $(sallyport-session_srcs))
simgw_libs := -lev $(MBEDTLS)
liargw_srcs := tests/vm/liargw.c tests/attack/liar.c tests/attack/lies.c \
	tests/attack/plug_bytes.c tests/fake/gateway_fake.c \
	$(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
liargw_libs := $(MBEDTLS)
liarurbs_srcs := tests/vm/liarurbs.c
liarurbs_libs :=

# attack: the gateway's own programs on a simulated device, and who attacks it
attack_programs := sallyportd sallyport-session sallyport-probe
attack-sallyportd_srcs := $(filter-out proxy/broker/device.c, \
	$(sallyportd_srcs)) tests/attack/device.c
attack-sallyportd_libs := $(sallyportd_libs)
attack_plug_srcs := tests/attack/plug.c tests/attack/plug_bytes.c \
	tests/attack/plug_lies.c \
	tests/fake/usb_sim.c
attack-sallyport-session_srcs := $(filter-out proxy/usb/libusb.c, \
	$(sallyport-session_srcs)) $(attack_plug_srcs)
attack-sallyport-session_libs := $(filter-out -lusb-1.0, \
	$(sallyport-session_libs))
attack-sallyport-probe_srcs := $(filter-out proxy/usb/libusb.c, \
	$(sallyport-probe_srcs)) $(attack_plug_srcs)
attack-sallyport-probe_libs := $(filter-out -lusb-1.0, \
	$(sallyport-probe_libs))
attack_srcs := tests/attack/attack.c tests/attack/dev_lies.c \
	tests/attack/gw.c tests/attack/gw_agent.c tests/attack/gw_flood.c \
	tests/attack/gw_relay.c tests/attack/gw_slow.c tests/attack/liar.c \
	tests/attack/lies.c tests/attack/plug_bytes.c \
	tests/attack/stage.c tests/attack/watch.c tests/attack/ws.c \
	tests/attack/ws_flood.c tests/attack/ws_judges.c \
	tests/attack/ws_op.c tests/attack/ws_pdu.c tests/attack/ws_slow.c \
	tests/fake/gateway_fake.c tests/fake/pki.c base/spawn.c base/userns.c \
	$(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
attack_libs := -ljansson $(MBEDTLS)

# broken: the same gateway, with somebody's code in a session or a probe
broken_door_srcs := tests/attack/door.c tests/fake/attempts.c
broken_door_libs := $(call wrap,sandbox_enter sandbox_shrink)
broken_srcs := tests/attack/broken.c tests/fake/attempts.c \
	$(filter-out tests/attack/attack.c tests/attack/watch.c \
	tests/attack/dev_% tests/attack/gw% tests/attack/li% \
	tests/attack/ws_%,$(attack_srcs)) $(base_sandbox_srcs)
broken_libs := $(attack_libs) -lseccomp
# publish: who holds a device of a gateway when its rules change
hold_srcs := tests/attack/plug_bytes.c tests/attack/stage.c \
	tests/attack/ws.c tests/fake/pki.c tests/publish/hold.c base/file.c \
	$(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
hold_libs := $(attack_libs)
# scene: the same gateway with devices as people have them, for pictures
scene_programs := sallyport-session sallyport-probe
scene-sallyport-session_srcs := $(filter-out tests/attack/plug%, \
	$(attack-sallyport-session_srcs)) tests/docs/things.c \
	tests/docs/things_plug.c
scene-sallyport-probe_srcs := $(filter-out tests/attack/plug%, \
	$(attack-sallyport-probe_srcs)) tests/docs/things.c \
	tests/docs/things_plug.c
things_srcs := tests/docs/things.c tests/docs/things_main.c \
	$(filter-out tests/publish/hold.c,$(hold_srcs))
things_libs := $(hold_libs)
# desktops: a login manager, an agent and a gateway
desktops_srcs := tests/attack/desktops.c tests/attack/plug_bytes.c \
	tests/attack/stage.c tests/attack/ws.c tests/fake/logind.c \
	tests/fake/pki.c base/spawn.c base/userns.c $(base_core_srcs) $(base_tls_srcs) \
	$(wire_srcs)
desktops_libs := $(attack_libs) -lsystemd -lcmocka
# keyholder: a gateway whose key no session has
keyholder_srcs := tests/attack/keyholder.c tests/attack/look.c \
	tests/attack/plug_bytes.c \
	tests/attack/stage.c tests/attack/ws.c tests/fake/hunt.c \
	tests/fake/pki.c $(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
keyholder_libs := $(attack_libs)
# lists: a gateway with lists of revoked certificates, of all kinds
lists_srcs := tests/attack/lists.c tests/attack/look.c \
	tests/attack/plug_bytes.c tests/attack/stage.c tests/attack/ws.c \
	tests/fake/pki.c $(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
lists_libs := $(attack_libs)
# win2: what the client of Windows says to that gateway
win2_srcs := tests/attack/plug_bytes.c tests/attack/stage.c \
	tests/attack/win2.c tests/attack/win2_client.c tests/attack/ws.c \
	tests/fake/pki.c $(base_core_srcs) $(base_tls_srcs) $(wire_srcs)
win2_libs := $(attack_libs)

# policy/facts and policy/decode
$(eval $(call unit,hook,$(facts_srcs)))

# --- bot, setup, print, dfu
setup_facts_srcs := policy/decode/av_entity.c policy/decode/setup.c \
	$(facts_srcs) wire/desc.c
$(eval $(call unit,setup_facts,$(setup_facts_srcs)))
decoder_srcs := tests/fake/judge_list.c $(record_srcs) $(facts_srcs)
bot_srcs := policy/decode/bot.c policy/decode/scsi.c $(decoder_srcs)
$(eval $(call unit,bot,$(bot_srcs)))
$(eval $(call unit,bot_hostile,$(bot_srcs)))
$(eval $(call unit,scsi,policy/decode/scsi.c))
print_srcs := policy/decode/print.c policy/decode/print_job.c $(decoder_srcs)
$(eval $(call unit,print,$(print_srcs)))
raw_srcs := policy/decode/raw.c policy/decode/dfu.c $(decoder_srcs)
$(eval $(call unit,raw,$(raw_srcs)))
$(eval $(call fuzz,bot,policy/decode/bot.c policy/decode/scsi.c wire/desc.c \
	$(facts_srcs)))
$(eval $(call fuzz,print,policy/decode/print.c policy/decode/print_job.c \
	wire/desc.c $(facts_srcs)))
$(eval $(call fuzz,setup,policy/decode/raw.c policy/decode/dfu.c \
	$(setup_facts_srcs)))

# --- hid, ctap
$(eval $(call unit,ctap,policy/decode/ctap.c tests/fake/judge_list.c \
	$(facts_srcs) $(record_srcs)))
$(eval $(call fuzz,ctap,policy/decode/ctap.c $(facts_srcs) $(record_srcs)))
$(eval $(call unit,hid_report,policy/decode/hid_report.c wire/hid_state.c \
	policy/decode/hid_values.c))
$(eval $(call unit,decode_hid,$(hid_srcs) $(decoder_srcs)))
$(eval $(call unit,hid_arm,$(hid_srcs) $(decoder_srcs)))
$(eval $(call fuzz,decode_hid,$(hid_srcs) $(record_srcs) $(facts_srcs)))
$(eval $(call fuzz,hid_report,policy/decode/hid_report.c wire/hid_state.c \
	policy/decode/hid_values.c))

# --- ccid, apdu, serial, mtp
script_srcs := tests/fake/decode_script.c tests/fake/judge_list.c \
	$(facts_srcs) $(desc_srcs) wire/devrec.c
ccid_srcs := policy/decode/apdu.c policy/decode/ccid.c \
	policy/decode/ccid_block.c policy/decode/ccid_desc.c
$(eval $(call unit,apdu,policy/decode/apdu.c))
$(eval $(call unit,ccid,$(ccid_srcs) $(script_srcs)))
$(eval $(call unit,cdc,policy/decode/cdc.c $(desc_srcs)))
$(eval $(call unit,serial,policy/decode/cdc.c policy/decode/serial.c \
	$(script_srcs)))
$(eval $(call unit,mtp,policy/decode/mtp.c $(script_srcs)))
$(eval $(call fuzz,ccid,$(ccid_srcs) $(facts_srcs) $(desc_srcs)))
$(eval $(call fuzz,mtp,policy/decode/mtp.c $(facts_srcs) $(desc_srcs)))
$(eval $(call fuzz,serial,policy/decode/cdc.c policy/decode/serial.c \
	$(facts_srcs) $(desc_srcs)))

# --- net, av
decode_net_srcs := policy/decode/cdc.c policy/decode/net.c \
	policy/decode/net_eem.c policy/decode/net_frame.c \
	policy/decode/net_ncm.c policy/decode/net_rndis.c
$(eval $(call unit,decode_net,$(decode_net_srcs) $(record_srcs) \
	tests/fake/judge_list.c))
$(eval $(call fuzz,net,$(filter-out %/net.c %/cdc.c,$(decode_net_srcs))))
decode_av_srcs := policy/decode/av.c policy/decode/av_audio.c \
	policy/decode/av_entity.c policy/decode/av_video.c
$(eval $(call unit,decode_av,$(decode_av_srcs) $(facts_srcs) $(record_srcs) \
	tests/fake/judge_list.c))
$(eval $(call fuzz,av,$(decode_av_srcs) $(desc_srcs)))

# --- profiles: language
profiles_test_srcs := $(profiles_srcs) policy/facts/hook.c \
	tests/fake/names_sample.c wire/desc.c
$(foreach t,profiles_load profiles_errors profiles_hostile, \
	$(eval $(call unit,$(t),$(profiles_test_srcs))))
$(eval $(call unit,profiles_print,$(profiles_test_srcs) \
	tests/fake/profile_dump.c))
$(eval $(call unit,profiles_stock,$(profiles_srcs) $(facts_srcs) wire/desc.c))
$(eval $(call fuzz,profiles,$(profiles_test_srcs) tests/fake/profile_dump.c))

$(eval $(call unit,profiles_pins,$(profiles_srcs) $(facts_srcs) \
	wire/desc.c wire/desc_endpoint.c wire/desc_class.c base/err.c))

# --- profiles: table and judge
judge_test_srcs := $(profiles_test_srcs) $(table_srcs) $(explain_srcs) \
	policy/facts/facts.c policy/tool/unit.c
$(foreach t,judge judge_meters judge_random, \
	$(eval $(call unit,$(t),$(judge_test_srcs))))
$(eval $(call unit,facts_text,$(facts_srcs) policy/tool/unit.c))
$(eval $(call fuzz,table,tests/fuzz/fuzz_profile.c $(judge_test_srcs)))

# --- vetting, expectations, honest devices
vet_test_srcs := $(vet_srcs) $(record_srcs)
$(eval $(call unit,devices,policy/tool/devtext.c tests/fake/umockdev.c \
	$(vet_test_srcs)))
$(eval $(call unit,vet,$(vet_test_srcs)))
$(eval $(call fuzz,vet,$(vet_test_srcs)))

# --- inspection in a session
$(eval $(call unit,session_inspect,$(session_rig_srcs) $(profiles_srcs)))

# --- captures
recorder_srcs := proxy/capture/recorder.c $(base_core_srcs) $(wire_srcs) \
	$(facts_srcs)
$(eval $(call unit,recorder,$(recorder_srcs),-lpcap -ljansson))
$(eval $(call fuzz,recorder,$(recorder_srcs)))
fuzz_recorder_libs := -lpcap -ljansson
$(eval $(call unit,captures,$(filter-out proxy/warden/main.c \
	proxy/warden/hotplug.c,$(sallyport-warden_srcs)),-lev -linih -ljansson \
	-lmbedx509 -lmbedcrypto -lseccomp))
$(eval $(call unit,session_capture,$(session_rig_srcs) $(profiles_srcs)))

# --- bundles
bundle_test_srcs := $(bundle_srcs) base/digest.c base/err.c
bundle_make_srcs := $(bundle_test_srcs) base/sign_make.c policy/text/when.c \
	tests/fake/bundle_make.c
bundle_libs := -ljansson -lmbedcrypto
$(eval $(call unit,sign,$(bundle_make_srcs),$(bundle_libs)))
$(eval $(call unit,bundle,$(bundle_make_srcs),$(bundle_libs)))
$(eval $(call fuzz,bundle,$(bundle_test_srcs) policy/text/when.c))
fuzz_bundle_libs := $(bundle_libs)
$(eval $(call fuzz,manifest,$(bundle_test_srcs) policy/text/when.c))
fuzz_manifest_libs := $(bundle_libs)

# --- scenarios
sim_srcs := tests/sim/client.c tests/sim/device.c tests/sim/expect.c \
	tests/sim/hear.c tests/sim/run.c tests/sim/warden.c tests/sim/words.c \
	tests/fault/fault.c policy/tool/devtext.c $(session_rig_srcs) \
	$(profiles_srcs)
sim_libs := $(call wrap,log_warnx log_infox)
unit_tests += test_sim
test_sim_srcs := tests/sim/main.c $(sim_srcs)
test_sim_libs := $(sim_libs)
ifeq ($(VARIANT),fault)
unit_tests += test_sim_faults
endif
# Those whose own side looks at what it gets: `make fault'.
fault_tests := sim_faults approval atboot book callers captures channel \
	conf counts ctl_show devices file gateway_conf judge judge_meters libusb log \
	net owner plan policy_when probe profiles_pins recorder \
	relay_count requests roots rules rules_device rules_overlap rules_to \
	session session_capture session_control session_events session_expose \
	session_inspect spawn stable stream sysfs texts transfer transfer_iso \
	vhci
# ... and under valgrind: `make memcheck'.
memcheck_tests := sim channel stream conf rules requests session_inspect

test_sim_faults_srcs := tests/sim/faults.c $(sim_srcs)
test_sim_faults_libs := $(sim_libs)

# A session whole; its logs are not for a million runs.
$(eval $(call fuzz,session,tests/fuzz/session_check.c \
	tests/fuzz/session_parts.c tests/fuzz/session_play.c $(sim_srcs)))
fuzz_session_libs := $(sim_libs) -lcmocka

# Its table, by its channels
$(eval $(call fuzz,broker,proxy/broker/requests.c proxy/broker/keys.c \
	$(base_core_srcs) base/file.c base/sealed.c $(wire_srcs)))
fuzz_broker_libs := $(call wrap,kill log_warn log_warnx)

# What a peer, a gateway or an administrator's CA sends
$(eval $(call fuzz,relay,tests/fake/virtual.c $(filter-out base/loop.c \
	base/clock.c,$(relay_core_srcs))))
$(eval $(call fuzz,event,vhci-glue/event.c $(base_core_srcs) $(wire_srcs)))
fuzz_event_libs := -ljansson
$(eval $(call fuzz,x509,base/x509.c wire/identity.c $(base_core_srcs)))
fuzz_x509_libs := $(MBEDTLS)
$(eval $(call fuzz,crl,base/x509.c base/x509_crl.c wire/identity.c \
	$(base_core_srcs)))
fuzz_crl_libs := $(MBEDTLS)

# --- audit log
audit_test_srcs := proxy/ctl/audit_check.c proxy/ctl/audit_files.c \
	proxy/ctl/audit_search.c proxy/ctl/time.c \
	proxy/warden/audit_chain.c \
	proxy/warden/audit_file.c proxy/warden/audit_resume.c \
	proxy/warden/journal.c base/chain.c \
	base/digest.c base/digest_hmac.c $(base_core_srcs)
$(eval $(call unit,audit,$(audit_test_srcs),-ljansson -lmbedcrypto))
$(eval $(call unit,audit_lines,proxy/ctl/audit_search.c $(lease_srcs), \
	$(lease_libs)))
$(eval $(call unit,metrics,proxy/metrics/text.c $(lease_srcs),$(lease_libs)))
$(eval $(call unit,ctl_top,proxy/ctl/top_model.c proxy/ctl/units.c \
	base/err.c,-ljansson))

$(eval $(call unit,bundles,$(lease_srcs) base/sign_make.c \
	tests/fake/bundle_make.c,$(lease_libs)))
$(eval $(call unit,upstream,tests/fake/fetch_child.c tests/fake/pki.c \
	$(lease_srcs),$(lease_libs)))
$(eval $(call unit,fetch,proxy/fetch/file.c proxy/fetch/parcel.c base/err.c \
	base/mem.c))
$(eval $(call unit,fetch_http,tests/fake/fetch_child.c tests/fake/pki.c \
	$(base_core_srcs) $(ipc_srcs),-lmbedx509 -lmbedcrypto))
$(eval $(call fuzz,upstream,proxy/warden/upstream_read.c \
	proxy/warden/audit_chain.c proxy/warden/audit_file.c \
	proxy/warden/journal.c base/chain.c base/digest.c base/digest_hmac.c \
	base/sealed.c $(base_core_srcs)))
fuzz_upstream_libs := -ljansson -lmbedcrypto
