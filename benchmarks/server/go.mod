module benchserver

go 1.23
