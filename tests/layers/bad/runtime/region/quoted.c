const char *open = "/* begins no comment";
const char *address = "inproc://nowhere";
char quote = '"'; /* one line of four */

int last;
