/*
 * Names of printer languages and PJL commands.
 */
#include "policy/facts/names.h"

#include "policy/facts/print.h"

#define NAME(name, number) {name, number, number}

const struct fact_name names_print_lang[] = {
	NAME("pjl", PRINT_PJL),
	NAME("pcl", PRINT_PCL),
	NAME("postscript", PRINT_POSTSCRIPT),
	NAME("pdf", PRINT_PDF),
	NAME("escpos", PRINT_ESCPOS),
	NAME("zpl", PRINT_ZPL),
	NAME("other", PRINT_OTHER),
	{NULL, 0, 0},
};

const struct fact_name names_print_pjl[] = {
	NAME("comment", PJL_COMMENT),
	NAME("default", PJL_DEFAULT),
	NAME("dinquire", PJL_DINQUIRE),
	NAME("dmcmd", PJL_DMCMD),
	NAME("dminfo", PJL_DMINFO),
	NAME("echo", PJL_ECHO),
	NAME("enter", PJL_ENTER),
	NAME("eoj", PJL_EOJ),
	NAME("execute", PJL_EXECUTE),
	NAME("fsappend", PJL_FSAPPEND),
	NAME("fsdelete", PJL_FSDELETE),
	NAME("fsdirlist", PJL_FSDIRLIST),
	NAME("fsdownload", PJL_FSDOWNLOAD),
	NAME("fsinit", PJL_FSINIT),
	NAME("fsmkdir", PJL_FSMKDIR),
	NAME("fsquery", PJL_FSQUERY),
	NAME("fsupload", PJL_FSUPLOAD),
	NAME("info", PJL_INFO),
	NAME("initialize", PJL_INITIALIZE),
	NAME("inquire", PJL_INQUIRE),
	NAME("job", PJL_JOB),
	NAME("lresource", PJL_LRESOURCE),
	NAME("nop", PJL_NOP),
	NAME("opmsg", PJL_OPMSG),
	NAME("other", PJL_OTHER),
	NAME("prodinfo", PJL_PRODINFO),
	NAME("rdymsg", PJL_RDYMSG),
	NAME("reset", PJL_RESET),
	NAME("set", PJL_SET),
	NAME("stmsg", PJL_STMSG),
	NAME("upgrade", PJL_UPGRADE),
	NAME("ustatus", PJL_USTATUS),
	NAME("ustatusoff", PJL_USTATUSOFF),
	{NULL, 0, 0},
};
