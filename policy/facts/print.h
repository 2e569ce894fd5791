/*
 * Numbers of the facts `lang' and `pjl' of printer data.
 */
#ifndef POLICY_FACTS_PRINT_H
#define POLICY_FACTS_PRINT_H

enum print_lang {
	PRINT_OTHER,
	PRINT_PJL,	  /* a line of PJL itself, between jobs */
	PRINT_PCL,	  /* PCL 3..5 and PCL XL */
	PRINT_POSTSCRIPT,
	PRINT_PDF,
	PRINT_ESCPOS,	  /* receipt printers */
	PRINT_ZPL,	  /* label printers; also EPL */
	PRINT_LANGS
};

/* Commands of the PJL Technical Reference Manual, and those of file systems and
 * service that printers have besides. A command that is not among them is
 * PJL_OTHER. */
enum print_pjl {
	PJL_OTHER,
	PJL_NOP, /* "@PJL" alone */
	PJL_COMMENT,
	PJL_JOB,
	PJL_EOJ,
	PJL_SET,
	PJL_ENTER,
	PJL_RESET,
	PJL_DEFAULT,
	PJL_INITIALIZE,
	PJL_INQUIRE,
	PJL_DINQUIRE,
	PJL_ECHO,
	PJL_INFO,
	PJL_USTATUS,
	PJL_USTATUSOFF,
	PJL_RDYMSG,
	PJL_OPMSG,
	PJL_STMSG,
	PJL_DMINFO,
	PJL_DMCMD,
	PJL_FSAPPEND,
	PJL_FSDELETE,
	PJL_FSDIRLIST,
	PJL_FSDOWNLOAD,
	PJL_FSINIT,
	PJL_FSMKDIR,
	PJL_FSQUERY,
	PJL_FSUPLOAD,
	PJL_UPGRADE,
	PJL_EXECUTE,
	PJL_LRESOURCE,
	PJL_PRODINFO,
	PJL_COMMANDS
};

#endif
