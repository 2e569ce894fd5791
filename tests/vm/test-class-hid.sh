#!/bin/bash
# vm: --guests 1 --timeout 200
#
# Keyboard, mouse and tablet (QEMU's): what is typed, moved and pressed outside
# is read from the workstation's event devices.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"
. "$BENCH/hid.sh"

usb_drivers
class_open

# EV_KEY is 1, EV_REL 2, EV_ABS 3; KEY_S 31, KEY_A 30, KEY_L 38, KEY_Y 21,
# KEY_LEFTSHIFT 42, BTN_LEFT 272, BTN_RIGHT 273.
hid_begin usb-kbd
for key in s a l l y shift-a; do
	check "type $key" host sendkey "$key" 50
done
hid_expect "keys" "1 31 1" "1 31 0" "1 30 1" "1 30 0" "1 38 1" "1 38 0" \
	"1 38 1" "1 38 0" "1 21 1" "1 21 0" "1 42 1" "1 30 1" "1 30 0"
hid_end

hid_begin usb-mouse
check "move" host mouse_move 7 -5
hid_expect "movement" "2 0 7" "2 1 -5"
check "press" host mouse_button 1
check "release" host mouse_button 0
check "press the other" host mouse_button 2
check "release" host mouse_button 0
hid_expect "buttons" "1 272 1" "1 272 0" "1 273 1" "1 273 0"
hid_end

hid_begin usb-tablet
axis='{"type":"abs","data":{"axis":"%s","value":%d}}'
check "point" qmp input-send-event \
	"{\"events\":[$(printf "$axis,$axis" x 16384 y 8192)]}"
hid_expect "position" "3 0 16384" "3 1 8192"
check "press" host mouse_button 1
check "release" host mouse_button 0
hid_expect "button" "1 272 1" "1 272 0"
hid_end
class_close
