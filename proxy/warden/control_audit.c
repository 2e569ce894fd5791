/*
 * The control socket's words about the audit log.
 */
#include "proxy/warden/control.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

void
control_put_audit(json_t *o, const struct audit *audit)
{
	char id[CHAIN_ID_TEXT];

	json_object_set_new(
	    o, "audit_lines", json_integer((json_int_t)audit->count));
	json_object_set_new(
	    o, "audit_failed", json_integer((json_int_t)audit->failed));
	if (audit->is_failing) {
		json_object_set_new(o, "audit_failing", json_true());
		json_object_set_new(o, "audit_waiting",
		    json_integer((json_int_t)audit->nwait));
	}
	if (audit->chain == NULL) {
		return;
	}
	control_text(o, "audit_chain",
	    digest_hex(id, sizeof(id), audit->chain->chain.id, CHAIN_ID));
	json_object_set_new(o, "audit_next",
	    json_integer((json_int_t)audit->chain->chain.seq));
	if (audit->chain->has_first) {
		json_object_set_new(o, "audit_key_waits", json_true());
	}
}

/* The first key of the chain, or of another one: told once. */
json_t *
control_audit_key(struct warden *w, json_t *request)
{
	int is_new = json_is_true(json_object_get(request, "new"));
	char text[CHAIN_KEY_TEXT];
	json_t *o;
	int r;

	if (w->audit.chain == NULL || w->audit.is_failing) {
		return control_failure(1, "the audit log cannot be written");
	}
	r = is_new ? audit_renew(&w->audit, text)
		   : audit_chain_take(w->audit.chain, text);
	if (r == ERR_NOENT) {
		return control_failure(5,
		    "the first key was taken before; `sallyctl audit key "
		    "--new' begins another chain");
	}
	if (r != 0) {
		return control_failure(1, err_str(r));
	}
	o = control_success();
	json_object_set_new(o, "key", json_string(text));
	mem_wipe(text, sizeof(text));
	return o;
}
