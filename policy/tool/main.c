/*
 * sallyport-policy: check, explain, format, import and test rules, without a
 * gateway.
 * Runs as anybody; reads the files it is given and nothing else.
 */
#include "policy/tool/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	cmd_fn *run;
	const char *help;
} commands[] = {
	{"bundle", cmd_bundle,
	    "usage: sallyport-policy bundle create DIR --serial N "
	    "--expires TIME|DURATION\n"
	    "           -o FILE [--not-before TIME] [--grace DURATION]\n"
	    "           [--revision TEXT] [--delegate] [--next-keys PEM\n"
	    "           [--threshold N]] [--stock DIR] [--no-test]\n"
	    "       sallyport-policy bundle create --discovery LIST ... -o "
	    "FILE\n"
	    "       sallyport-policy bundle sign FILE --key PEM\n"
	    "       sallyport-policy bundle sign FILE --signer COMMAND "
	    "--public PEM\n"
	    "       sallyport-policy bundle verify FILE --keys PEM\n"
	    "           [--threshold N] [--at TIME] [--json]\n"
	    "       sallyport-policy bundle show [--json] FILE\n"
	    "       sallyport-policy bundle diff [--json] [--devices LIST]...\n"
	    "           [--to IDENTITY]... A B\n"
	    "       sallyport-policy bundle test [--stock DIR] FILE\n"
	    "\n"
	    "Rules and profiles for many gateways in one signed file, see\n"
	    "sallyport-bundle(5).\n"
	    "\n"
	    "  create  makes FILE of the folder DIR, if its rules compile and "
	    "its\n"
	    "          tests pass\n"
	    "  sign    adds a signature to FILE.sig\n"
	    "  verify  is it signed by as many of those keys, and valid?\n"
	    "  show    what is in it, and who signed it\n"
	    "  diff    which rules B has that A has not, and with "
	    "--devices, what\n"
	    "          becomes allowed or refused, for whom\n"
	    "  test    what a gateway asks of it before it takes effect\n"
	    "\n"
	    "Exit status: 0 done, 1 failed, 2 wrong use, 3 (diff) they "
	    "differ.\n"},
	{"check", cmd_check,
	    "usage: sallyport-policy check [--json] [--usbguard]\n"
	    "           [--stock DIR] FILE...\n"
	    "       sallyport-policy check --each-line [--usbguard] "
	    "FILE...\n"
	    "\n"
	    "Reads rule files as the gateway does, all together, and prints\n"
	    "every error with file, line and column, or warnings of what is\n"
	    "hardly meant. A directory stands for the *.rules in it, in the\n"
	    "order of their names; *.profile are profiles.\n"
	    "\n"
	    "  --stock DIR  the profiles that are shipped; without it,\n"
	    "               those of this installation\n"
	    "  --json       print one JSON object instead\n"
	    "  --usbguard   the files are USBGuard's; print what means\n"
	    "               something else here\n"
	    "  --each-line  judge each line by itself, and count them\n"
	    "\n"
	    "Exit status: 0 no error, 1 errors, 2 wrong use.\n"},
	{"explain", cmd_explain,
	    "usage: sallyport-policy explain DEVICE [--to IDENTITY]...\n"
	    "           [--at TIME] [--tz ZONE] [--locked | --unlocked]\n"
	    "           [--user NAME] [--seat SEAT]\n"
	    "           [--armed TOKEN]... [--json] FILE...\n"
	    "       sallyport-policy explain --profile NAME [--profiles PATH]"
	    "...\n"
	    "           [--stock DIR] [--at TIME] [--tz ZONE] [--json] UNIT\n"
	    "       sallyport-policy explain --profile NAME [--profiles PATH]"
	    "...\n"
	    "           [--stock DIR] [--device BUS.DEVICE]\n"
	    "           [--descriptors FILE] CAPTURE.pcap FRAME\n"
	    "\n"
	    "Prints what the rules of FILE... decide, which rule decided, and\n"
	    "why each rule before it did not match.\n"
	    "\n"
	    "  DEVICE         a sysfs directory, /sys/bus/usb/devices/3-2,\n"
	    "                 or a JSON file, see sallyport-policy(1)\n"
	    "  --to IDENTITY  the workstation: a JSON file as printed by\n"
	    "                 sallyport-certs show --json, or facts:\n"
	    "                 dns:kiosk1.example,ou:Staff\n"
	    "                 Without it the workstation is not known, and\n"
	    "                 it may be that it depends.\n"
	    "  --at TIME      at that time, 2026-03-02T06:15:00Z, and not "
	    "now\n"
	    "  --tz ZONE      the gateway's time zone; without it, that of "
	    "this\n"
	    "                 machine\n"
	    "  --locked, --unlocked\n"
	    "                 the session of the workstation; without it, not "
	    "known\n"
	    "  --user NAME, --seat SEAT\n"
	    "                 who sits there, and at which seat\n"
	    "  --armed TOKEN  an operator has armed that\n"
	    "  --json         print one JSON object instead\n"
	    "\n"
	    "With --profile: how that profile rules on one unit, and why.\n"
	    "\n"
	    "  --profiles PATH  a file, or a directory with *.profile\n"
	    "  --stock DIR      the stock profiles, and not those of this\n"
	    "                   installation\n"
	    "  UNIT             a hook and facts, scsi op=write-10 "
	    "lba=0..7,\n"
	    "                   see sallyport-policy(1)\n"
	    "  CAPTURE FRAME    each unit of that frame of a capture, see\n"
	    "                   replay\n"
	    "\n"
	    "Exit status: 0 allowed, 1 failed, 2 wrong use, 3 not allowed.\n"},
	{"fmt", cmd_fmt,
	    "usage: sallyport-policy fmt FILE\n"
	    "\n"
	    "Prints FILE, rules or a *.profile, in canonical form, comments\n"
	    "kept.\n"
	    "\n"
	    "Exit status: 0 printed, 1 errors in FILE, 2 wrong use.\n"},
	{"import", cmd_import,
	    "usage: sallyport-policy import usbguard|usbredir|citrix FILE\n"
	    "           [--to IDENTITY]... [--using PROFILE]\n"
	    "\n"
	    "Prints rules that mean the same as FILE, see "
	    "sallyport-policy(1).\n"
	    "\n"
	    "  --to IDENTITY    who may have what is allowed; without it, "
	    "every\n"
	    "                   workstation with a certificate\n"
	    "  --using PROFILE  and by which profile\n"
	    "\n"
	    "Exit status: 0 printed, 1 errors in FILE, 2 wrong use.\n"},
	{"replay", cmd_replay,
	    "usage: sallyport-policy replay CAPTURE --profile NAME\n"
	    "           [--profiles PATH]... [--stock DIR] [--device BUS.DEVICE]\n"
	    "           [--descriptors FILE] [--tz ZONE] [--json]\n"
	    "\n"
	    "Prints what of a capture of USB traffic the profile would refuse,\n"
	    "and why.\n"
	    "\n"
	    "  CAPTURE          of a gateway, or of usbmon by tcpdump or\n"
	    "                   Wireshark, with the device's enumeration\n"
	    "  --profile NAME   a profile, or auto\n"
	    "  --profiles PATH  a file, or a directory with *.profile\n"
	    "  --stock DIR      the stock profiles, and not those of this\n"
	    "                   installation\n"
	    "  --device B.D     that of the devices in the capture\n"
	    "  --descriptors FILE\n"
	    "                   its descriptors in hex, if they are not in\n"
	    "                   the capture, see sallyport-policy(1)\n"
	    "  --tz ZONE        the gateway's time zone\n"
	    "  --json           print one JSON object instead\n"
	    "\n"
	    "Exit status: 0 all passes, 1 failed, 2 wrong use, 3 something is\n"
	    "refused.\n"},
	{"test", cmd_test,
	    "usage: sallyport-policy test [--stock DIR] FILE...\n"
	    "\n"
	    "Runs the tests of FILE..., see sallyport-policy(1): rules, "
	    "devices,\n"
	    "workstations, profiles and units, and what is expected of "
	    "them.\n"
	    "\n"
	    "Exit status: 0 all passed, 1 some failed, 2 wrong use.\n"},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char usage[] =
    "usage: sallyport-policy COMMAND ...\n"
    "\n"
    "  bundle create|sign|verify|show|diff|test FILE   rules for many "
    "gateways\n"
    "  check FILE...                            are the rules right?\n"
    "  explain DEVICE [--to IDENTITY] FILE...   who may have a device, and "
    "why?\n"
    "  fmt FILE                                 print the canonical form\n"
    "  import KIND FILE                         rules of others as ours\n"
    "  replay CAPTURE --profile NAME            what would it refuse?\n"
    "  test FILE...                             do rules do what they "
    "should?\n"
    "\n"
    "sallyport-policy COMMAND --help explains a command.\n";

static int
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

int
main(int argc, char **argv)
{
	int r = -1;

	if (argc < 2) {
		fputs(usage, stderr);
		return CMD_USAGE;
	}
	if (is_help(argv[1])) {
		fputs(usage, stdout);
		r = CMD_OK;
	} else if (strcmp(argv[1], "--version") == 0) {
		puts("sallyport-policy " SALLYPORT_VERSION);
		r = CMD_OK;
	}
	for (size_t i = 0; r == -1 && i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0) {
			continue;
		}
		for (int j = 2; j < argc && r == -1; j++) {
			if (strcmp(argv[j], "--") == 0) {
				break;
			}
			if (is_help(argv[j])) {
				fputs(commands[i].help, stdout);
				r = CMD_OK;
			}
		}
		if (r == -1) {
			r = commands[i].run(argc - 1, argv + 1);
		}
	}
	if (r == -1) {
		r = cmd_usage("unknown command: %s", argv[1]);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cmd_warn("write: standard output: it cannot be written");
		return r == CMD_OK ? CMD_FAILED : r;
	}
	return r;
}
