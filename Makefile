# hubgate: what there is to do, one command each. `make` lists it.
#
