/* wide.h - 128-bit integers, for sums that 64 bits do not hold */
#ifndef UTIL_WIDE_H
#define UTIL_WIDE_H

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

#endif
