/** The remedy if the store refuses the writes of a daemon that should lead releases. */
export const RIGHTS_REMEDY =
  "give the daemon's login the rights of a controller (the page of the store has them), or start it with -releases off";
