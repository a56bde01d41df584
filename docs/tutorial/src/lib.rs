//! A box office: shows, their seats, and bookings.

pub mod show;

pub mod plan;

pub mod app;

pub mod shows;

pub mod press;

pub mod booking;

pub mod card_company;
