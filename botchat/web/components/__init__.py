"""The parts of the page: sidebar, messages, live replies, composer and menus."""
