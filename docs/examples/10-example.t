# What 10-example.rules is meant to do; run by
# `sallyport-policy test docs/examples/10-example.t`. See sallyport-policy(1).
rules "10-example.rules"

device scanner id 05e0:1200 name "Scanner" with-interface 03:01:01=keyboard
device stick id 0781:5581 serial "S1" with-interface { 08:06:50 }
device bad-stick id 0781:5581 serial "S2" \
	with-interface { 08:06:50 03:01:01=keyboard }
device probe id 0483:374b serial "066CFF495087534867143041" \
	with-interface { ff:01:01 08:06:50 02:02:01 0a:00:00 }
device mouse id 046d:c077 with-interface { 03:01:02=mouse }

identity kiosk "dns:k1.hall-a.example"
identity kiosk-7 "cn:kiosk-7"
identity clerk "cn:pc-12" "ou:Staff"
identity ci "dns:ci-3.lab.example"

allow scanner to kiosk key "SCANNER" hold 2m exposes all
allow scanner to kiosk-7 key "SCANNER"
block scanner to clerk key "NO-INPUT"
leases 1
block scanner to kiosk because max
reset

# Nothing is known of the clerk's session, then it is.
block stick to clerk implicit
unlocked
allow stick to clerk key "DRIVES" lease 12h
block stick to kiosk implicit
block bad-stick to clerk forbidden key "NO-HIDDEN-KEYBOARD"
locked
block stick to clerk
reset

allow probe to ci
block probe to clerk
unlocked
allow probe to clerk key "DRIVES"	# it has a drive
block mouse to clerk key "NO-INPUT"
depends stick
