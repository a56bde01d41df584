CREATE DATABASE event_store;
CREATE DATABASE command_service;
CREATE DATABASE query_service;
