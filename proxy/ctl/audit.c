/*
 * sallyctl audit: its words and options, and what it prints.
 */
#include "proxy/ctl/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/ctl/ctl.h"

struct options {
	const char *socket, *key, *heads, *save;
	int is_json, is_new, is_partial;
	struct audit_query query;
	char since[CTL_TIME], until[CTL_TIME];
};

static void
usage(FILE *to)
{
	fputs("usage: sallyctl audit verify [--key FILE] [--heads FILE] "
	      "[--save FILE]\n"
	      "                             [--partial] [--json] [FILE...]\n"
	      "       sallyctl audit search [--device P] [--identity P] "
	      "[--rule P] [--event P]\n"
	      "                             [--since T] [--until T] [--json] "
	      "[FILE...]\n"
	      "       sallyctl audit key [--new] [--json]\n"
	      "\n"
	      "Without FILE: the audit log of this machine.\n"
	      "\n"
	      "  verify  find lines that were changed, removed, moved or cut "
	      "off\n"
	      "    --key FILE    what `audit key' printed\n"
	      "    --heads FILE  of the journal, - = standard input: journalctl "
	      "-o cat\n"
	      "                  -t sallyport-audit\n"
	      "    --save FILE   the key of the next line, to go on from there "
	      "later\n"
	      "    --partial     these are not all of the files that are kept\n"
	      "  search  show lines; P is a pattern with * and ?\n"
	      "    --rule        FILE, FILE:LINE, key, implicit, or the name of "
	      "a refusal\n"
	      "    --event       EVENT or EVENT/OUTCOME\n"
	      "    --since, --until  2026-11-25T13, or a duration: 90s, 10m, 2h, "
	      "7d ago\n"
	      "  key     the first key of the chain, once; keep it elsewhere\n"
	      "    --new         another chain begins\n"
	      "Exit: 0 ok, 1 failed or something is wrong, 2 usage, 3 not for "
	      "you, 4 gateway\nnot reachable, 5 not found.\n",
	    to);
}

/* ------------------------------------------------------------------------ */
/* verify                                                                   */

struct verify {
	struct audit_check check;
	struct chain keys[AUDIT_KEYS_MAX];
	struct chain_head *heads; /* owned */
	size_t nheads, room;
	const struct options *opt;
	json_t *findings[3];
};

static void
on_key(void *arg, const char *text, size_t len)
{
	struct verify *v = arg;

	if (v->check.nkeys < AUDIT_KEYS_MAX &&
	    chain_key_parse(&v->keys[v->check.nkeys], text, len) == 0) {
		v->check.nkeys++;
	}
}

/* Of the journal; lines of the log among them are none. */
static void
on_head(void *arg, const char *text, size_t len)
{
	struct verify *v = arg;
	struct chain_head head, *more;

	if (chain_head_parse(&head, text, len) != 0 ||
	    v->nheads == AUDIT_HEADS_MAX) {
		return;
	}
	if (v->nheads == v->room) {
		v->room = v->room == 0 ? 64 : 2 * v->room;
		more = realloc(v->heads, v->room * sizeof(*more));
		if (more == NULL) {
			fatal("heads");
		}
		v->heads = more;
	}
	v->heads[v->nheads++] = head;
}

static void
on_torn(void *arg)
{
	(void)arg;
}

/* 0, or an exit status. */
static int
read_one(const char *name, audit_line *line, void *arg)
{
	char *names[] = {(char *)(uintptr_t)name};
	struct audit_files files = {0};
	int code = audit_files_open(&files, names, 1);

	if (code == 0 &&
	    audit_file_read(&files.v[0], line, on_torn, arg) != 0) {
		code = 1;
	}
	audit_files_close(&files);
	return code;
}

static void
on_say(void *arg, enum audit_tone tone, const char *file, uint64_t line,
    const char *text)
{
	static const char *const words[] = {"wrong", "note", "cannot know"};
	struct verify *v = arg;
	char where[32] = "";
	json_t *e;

	if (v->opt->is_json) {
		e = json_pack("{s:s}", "text", text);
		if (line != 0) {
			json_object_set_new(e, "file", json_string(file));
			json_object_set_new(
			    e, "line", json_integer((json_int_t)line));
		}
		json_array_append_new(v->findings[tone], e);
		return;
	}
	if (line != 0) {
		(void)snprintf(where, sizeof(where), ":%llu: ",
		    (unsigned long long)line);
	}
	printf("%s: %s%s%s\n", words[tone], file, where, text);
}

static void
on_line(void *arg, const char *text, size_t len)
{
	audit_check_line(&((struct verify *)arg)->check, text, len);
}

static void
on_torn_line(void *arg)
{
	audit_check_torn(&((struct verify *)arg)->check);
}

static int
save(const struct options *opt, const struct audit_check *check)
{
	char text[CHAIN_KEY_TEXT + 1];
	int fd, r = 1;

	if (check->wrong != 0 || !check->has_key ||
	    check->key.seq != check->next) {
		log_warnx("save %s: nothing to go on from", opt->save);
		return 1;
	}
	(void)chain_key_print(text, &check->key);
	memcpy(text + strlen(text), "\n", 2);
	fd = open(opt->save, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	    fsync(fd) == 0) {
		r = 0;
	} else {
		log_warn("save %s", opt->save);
	}
	close_fd(&fd);
	mem_wipe(text, sizeof(text));
	return r;
}

static void
show_verify(const struct verify *v, size_t nfiles)
{
	const struct audit_check *c = &v->check;
	json_t *o;

	if (!v->opt->is_json) {
		printf("%llu lines in %zu files, %llu proven by a key; %s\n",
		    (unsigned long long)c->lines, nfiles,
		    (unsigned long long)c->proven,
		    c->wrong == 0 ? "nothing is wrong" : "NOT as written");
		return;
	}
	o = json_pack("{s:b,s:I,s:I,s:I,s:i,s:O,s:O,s:O}", "ok",
	    c->wrong == 0, "lines", (json_int_t)c->lines, "proven",
	    (json_int_t)c->proven, "unprotected", (json_int_t)c->bare,
	    "chains", (int)c->nchains, "wrong", v->findings[AUDIT_WRONG],
	    "notes", v->findings[AUDIT_NOTE], "cannot_know",
	    v->findings[AUDIT_BLIND]);
	json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(o);
}

static int
verify(const struct options *opt, char **names, int n)
{
	static struct verify v;
	struct audit_files files = {0};
	int code = 0;

	v.opt = opt;
	for (unsigned i = 0; i < ARRAY_LEN(v.findings); i++) {
		v.findings[i] = json_array();
	}
	if (opt->key != NULL) {
		code = read_one(opt->key, on_key, &v);
		if (code == 0 && v.check.nkeys == 0) {
			log_warnx("%s: no key is in it, as `sallyctl audit "
				  "key' prints one", opt->key);
			code = 1;
		}
	}
	if (code == 0 && opt->heads != NULL) {
		code = read_one(opt->heads, on_head, &v);
		if (code == 0 && v.nheads == 0) {
			log_warnx("%s: no head is in it", opt->heads);
			code = 1;
		}
	}
	if (code == 0) {
		code = audit_files_open(&files, names, n);
	}
	v.check.keys = v.keys;
	v.check.heads = v.heads;
	v.check.nheads = v.nheads;
	v.check.is_partial = opt->is_partial;
	v.check.say = on_say;
	v.check.arg = &v;
	if (code == 0) {
		audit_check_begin(&v.check);
		for (size_t i = 0; i < files.n; i++) {
			audit_check_file(&v.check, files.v[i].name);
			if (audit_file_read(&files.v[i], on_line, on_torn_line,
				&v) != 0) {
				code = 1;
			}
		}
		audit_check_end(&v.check);
		show_verify(&v, files.n);
		code = v.check.wrong != 0 ? 1 : code;
		if (code == 0 && opt->save != NULL) {
			code = save(opt, &v.check);
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(v.findings); i++) {
		json_decref(v.findings[i]);
	}
	audit_files_close(&files);
	free(v.heads);
	mem_wipe(v.keys, sizeof(v.keys));
	mem_wipe(&v.check.key, sizeof(v.check.key));
	return code;
}

/* ------------------------------------------------------------------------ */
/* search                                                                   */

struct search {
	const struct options *opt;
	uint64_t bad; /* lines that are no JSON */
};

static void
on_searched(void *arg, const char *text, size_t len)
{
	struct search *s = arg;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	char *line = NULL;

	s->bad += o == NULL;
	if (o != NULL && audit_query_matches(&s->opt->query, o)) {
		line = s->opt->is_json
		    ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER |
			      JSON_ENSURE_ASCII)
		    : audit_query_text(o);
		puts(line != NULL ? line : "");
	}
	free(line);
	json_decref(o);
}

static void
on_searched_torn(void *arg)
{
	((struct search *)arg)->bad++;
}

static int
search(const struct options *opt, char **names, int n)
{
	struct search s = {.opt = opt};
	struct audit_files files = {0};
	int code = audit_files_open(&files, names, n);

	for (size_t i = 0; code == 0 && i < files.n; i++) {
		if (audit_file_read(&files.v[i], on_searched, on_searched_torn,
			&s) != 0) {
			code = 1;
		}
	}
	if (s.bad != 0) {
		log_warnx("search: %llu lines cannot be read; see `sallyctl "
			  "audit verify'", (unsigned long long)s.bad);
		code = code == 0 ? 1 : code;
	}
	audit_files_close(&files);
	return code;
}

/* ------------------------------------------------------------------------ */
/* key                                                                      */

static int
take_key(const struct options *opt)
{
	json_t *request = json_pack("{s:s,s:b}", "op", "audit_key", "new",
	    opt->is_new);
	json_t *reply;
	const char *key;
	int code;

	reply = ctl_ask(opt->socket, request, &code);
	if (reply == NULL || code != 0) {
		if (reply != NULL && opt->is_json) {
			json_dumpf(reply, stdout,
			    JSON_COMPACT | JSON_PRESERVE_ORDER);
			putchar('\n');
		}
		json_decref(reply);
		return code;
	}
	key = json_string_value(json_object_get(reply, "key"));
	if (opt->is_json) {
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		puts(key != NULL ? key : "");
	}
	if (fflush(stdout) != 0) {
		log_warn("the key could not be printed, and is lost; begin "
			 "another chain with --new");
		code = 1;
	} else if (isatty(STDERR_FILENO)) {
		log_infox("keep it on another machine: it is not here any more");
	}
	json_decref(reply);
	return code;
}

/* ------------------------------------------------------------------------ */

static int
run(const struct options *opt, char **args, int n)
{
	if (n > 0 && strcmp(args[0], "verify") == 0) {
		return verify(opt, args + 1, n - 1);
	}
	if (n > 0 && strcmp(args[0], "search") == 0) {
		return search(opt, args + 1, n - 1);
	}
	if (n == 1 && strcmp(args[0], "key") == 0) {
		return take_key(opt);
	}
	usage(stderr);
	return 2;
}

int
audit_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"key", required_argument, NULL, 'k'},
		{"heads", required_argument, NULL, 'H'},
		{"save", required_argument, NULL, 'o'},
		{"partial", no_argument, NULL, 'p'},
		{"new", no_argument, NULL, 'n'},
		{"device", required_argument, NULL, 'D'},
		{"identity", required_argument, NULL, 'I'},
		{"rule", required_argument, NULL, 'R'},
		{"event", required_argument, NULL, 'E'},
		{"since", required_argument, NULL, 'S'},
		{"until", required_argument, NULL, 'U'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options opt = {.socket = CTL_SOCKET};
	int c;

	while ((c = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			opt.is_json = 1;
			break;
		case 's':
			opt.socket = optarg;
			break;
		case 'k':
			opt.key = optarg;
			break;
		case 'H':
			opt.heads = optarg;
			break;
		case 'o':
			opt.save = optarg;
			break;
		case 'p':
			opt.is_partial = 1;
			break;
		case 'n':
			opt.is_new = 1;
			break;
		case 'D':
			opt.query.device = optarg;
			break;
		case 'I':
			opt.query.identity = optarg;
			break;
		case 'R':
			opt.query.rule = optarg;
			break;
		case 'E':
			opt.query.event = optarg;
			break;
		case 'S':
			opt.query.since =
			    ctl_time(optarg, opt.since);
			break;
		case 'U':
			opt.query.until =
			    ctl_time(optarg, opt.until);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
		if ((c == 'S' && opt.query.since == NULL) ||
		    (c == 'U' && opt.query.until == NULL)) {
			log_warnx("%s: neither a time as 2026-11-25T13:00 nor "
				  "a duration", optarg);
			return 2;
		}
	}
	/* argv[0] is `audit' itself */
	return run(&opt, argv + optind, argc - optind);
}
