//! What a client does in a fleet: it learns its meter, takes images, hears pushes, waits for a shared link, and gives
//! way to what is urgent.

mod gate;
mod image;
mod lies;
mod map;
mod notify;
mod push;
mod wire;
